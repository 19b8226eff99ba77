//! Finds the audio of a CAF file and writes a plain header for it.
//!
//! The demuxer keeps 32 bytes for each packet of a packet table, whose entries take one byte, and believes every number in a
//! channel layout. So tables are counted here before the demuxer builds them, and it sees nothing but what describes the audio:
//! description, channel layout, codec configuration, packet table and data, once each.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::bytes::read_at;

/// Maximum number of packets with sizes of their own: 6 hours of AAC at 48 kHz, 5.8 hours of Opus. The demuxer needs 32 MiB for
/// them.
const MAX_PACKETS: u64 = 1 << 20;

/// Maximum bytes of a packet table, in which a packet takes one to three.
const MAX_TABLE: u64 = 4 << 20;

/// Maximum bytes of a codec configuration, and of a channel layout.
const MAX_CONFIGURATION: u64 = 64 << 10;

/// More chunks than any recording has.
const MAX_CHUNKS: usize = 10_000;

/// Size of the file header, and of the header of a chunk.
const FILE_HEADER: u64 = 8;
const HEAD: u64 = 12;

/// Position of the audio, and what describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Caf {
    pub(super) header: Vec<u8>,
    /// Offset of the audio in bytes.
    pub(super) start: u64,
    /// Bytes of audio that are in the file.
    pub(super) length: u64,
}

/// Why a CAF file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum CafError {
    #[error("the caf file has no {0} chunk")]
    Missing(&'static str),
    #[error("the caf file is broken: {0}")]
    Impossible(&'static str),
    #[error("the packet table of the caf file is larger than any recording needs")]
    TooLarge,
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Reads the chunks of the file that begins at `start` of a file of `end` bytes.
pub(super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Caf, CafError> {
    let mut header = read_at(file, start, FILE_HEADER as usize)?;
    let (mut description, mut layout, mut configuration, mut table, mut data) = (None, None, None, None, None);
    let mut at = start + FILE_HEADER;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, HEAD as usize)?;
        let Some((id, Ok(size))) = head.split_first_chunk::<4>().map(|(id, size)| (id, size.try_into().map(i64::from_be_bytes)))
        else {
            break;
        };
        let (body, rest) = (at + HEAD, end.saturating_sub(at + HEAD));
        // Only the last chunk, with the audio, may leave its size open.
        let Ok(size) = u64::try_from(size).or(if id == b"data" { Ok(rest) } else { Err(()) }) else { break };
        match id {
            b"desc" if description.is_none() => description = Some(read_at(file, body, 32)?),
            b"chan" if layout.is_none() && size <= MAX_CONFIGURATION => {
                layout = channel_layout(read_at(file, body, size as usize)?);
            }
            b"kuki" if configuration.is_none() && size <= MAX_CONFIGURATION => {
                configuration = Some(read_at(file, body, size as usize)?);
            }
            b"pakt" if table.is_none() => table = Some((body, size.min(rest))),
            // The audio follows the number of an edit.
            b"data" if data.is_none() => data = Some((body + 4, size.min(rest).saturating_sub(4))),
            _ => {}
        }
        at = match body.checked_add(size) {
            Some(next) if next < end => next,
            Some(_) | None => break,
        };
    }
    let description = description.filter(|body| body.len() == 32).ok_or(CafError::Missing("desc"))?;
    let (start, length) = data.ok_or(CafError::Missing("data"))?;
    let table = match (table, open_numbers(&description)) {
        (None, 0) => None,
        (None, _) => return Err(CafError::Missing("pakt")),
        (Some((body, size)), numbers) => Some(packet_table(file, numbers, body, size)?),
    };
    chunk(&mut header, *b"desc", &description);
    for (id, body) in [(*b"chan", layout), (*b"kuki", configuration), (*b"pakt", table)] {
        if let Some(body) = body {
            chunk(&mut header, id, &body);
        }
    }
    header.extend(b"data");
    header.extend((length + 4).to_be_bytes());
    header.extend([0; 4]);
    Ok(Caf { header, start, length })
}

fn chunk(header: &mut Vec<u8>, id: [u8; 4], body: &[u8]) {
    header.extend(id);
    header.extend((body.len() as u64).to_be_bytes());
    header.extend(body);
}

/// The layout, if it is as long as it says. Without one the demuxer takes the channels in their usual order.
fn channel_layout(mut body: Vec<u8>) -> Option<Vec<u8>> {
    let described = u32::from_be_bytes(body.get(8..12)?.try_into().ok()?);
    let length = 12 + 20 * described as usize;
    body.truncate(length);
    (body.len() == length).then_some(body)
}

/// How many numbers a packet has in the packet table: those that the description leaves open.
fn open_numbers(description: &[u8]) -> u64 {
    let is_open = |at: usize| description.get(at..at + 4) == Some(&[0; 4]);
    u64::from(is_open(16)) + u64::from(is_open(20))
}

/// Copies the table, without what may follow its last packet.
fn packet_table(file: &mut (impl Read + Seek), numbers: u64, body: u64, size: u64) -> Result<Vec<u8>, CafError> {
    let mut table = read_at(file, body, size.min(24) as usize)?;
    let packets = table.first_chunk().map(|count| u64::from_be_bytes(*count)).filter(|_| table.len() == 24);
    let packets = packets.ok_or(CafError::Impossible("its packet table is cut off"))?;
    if numbers == 0 {
        return Ok(table);
    }
    if packets > MAX_PACKETS {
        return Err(CafError::TooLarge);
    }
    file.seek(SeekFrom::Start(body + 24))?;
    let mut bytes = BufReader::new(file.take(size - 24)).bytes();
    let mut left = packets * numbers;
    while left > 0 {
        let byte = bytes.next().ok_or(CafError::Impossible("its packet table is cut off"))??;
        table.push(byte);
        // The last byte of a number has the highest bit clear.
        left -= u64::from(byte & 0x80 == 0);
        if table.len() as u64 > MAX_TABLE {
            return Err(CafError::TooLarge);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn file(packets: u64, table: &[u8]) -> Vec<u8> {
        let mut bytes = b"caff\0\x01\0\0".to_vec();
        // The packets are 1024 samples long, and their sizes differ.
        let mut description = 16_000_f64.to_be_bytes().to_vec();
        description.extend(b"aac \0\0\0\x02\0\0\0\0\0\0\x04\0\0\0\0\x01\0\0\0\0");
        chunk(&mut bytes, *b"desc", &description);
        chunk(&mut bytes, *b"info", b"anything");
        chunk(&mut bytes, *b"chan", b"\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF");
        let mut pakt = packets.to_be_bytes().to_vec();
        pakt.extend([0; 16]);
        pakt.extend(table);
        chunk(&mut bytes, *b"pakt", &pakt);
        chunk(&mut bytes, *b"data", b"\0\0\0\0packets");
        chunk(&mut bytes, *b"pakt", &[0xFF; 24]);
        bytes
    }

    fn read_all(bytes: &[u8]) -> Result<Caf, CafError> {
        read(&mut Cursor::new(bytes), 0, bytes.len() as u64)
    }

    #[test]
    fn only_what_describes_the_audio_is_left() {
        let bytes = file(2, &[0x81, 0x03, 0x04, 0xFF, 0xFF]);
        let found = read_all(&bytes).unwrap();
        assert_eq!(&bytes[found.start as usize..][..found.length as usize], b"packets");
        // Neither the texts, nor the impossible layout, nor the second table, nor what follows the second packet.
        assert_eq!(found.header.len(), 8 + 12 + 32 + 12 + 24 + 3 + 12 + 4);
        let mut plain = found.header.clone();
        plain.extend(b"packets");
        let again = read_all(&plain).unwrap();
        assert_eq!((again.header, again.length), (found.header, 7));
    }

    #[test]
    fn a_table_is_counted_before_it_is_built() {
        assert!(matches!(read_all(&file(MAX_PACKETS + 1, &[1])), Err(CafError::TooLarge)));
        assert!(matches!(read_all(&file(3, &[1, 2])), Err(CafError::Impossible(_))));
    }

    #[test]
    fn every_cut_is_survived() {
        let whole = file(2, &[1, 2]);
        for cut in 0..whole.len() {
            let _ = read_all(&whole[..cut]);
        }
    }
}
