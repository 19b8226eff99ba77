//! Finds the samples of an AIFF file and writes a plain header for them.
//!
//! Everything else in the file (markers, comments, texts, pictures, data of programs) is kept from the demuxer, which would hold
//! all of it in memory. The channel count is checked here, because the demuxer multiplies it with the size of a sample in 16
//! bits, and overflows on a count that no recording has.

use std::io::{self, Read, Seek};

use super::bytes::read_at;

/// More channels than any recording has, and few enough for every sample size: 1024 samples of 8 bytes fit into 16 bits.
const MAX_CHANNELS: u16 = 1024;
/// More chunks than any recording has.
const MAX_CHUNKS: usize = 10_000;
/// Bytes of the common chunk that describe the samples: of AIFF, and of AIFF-C, which also names the compression.
const COMMON: usize = 18;
const COMMON_COMPRESSED: usize = 22;
/// Most bytes of samples whose sizes fit into the header.
const MAX_DATA: u64 = u32::MAX as u64 - 1024;

/// Position of the samples, and a header that describes them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Aiff {
    pub(super) header: Vec<u8>,
    /// Offset of the first sample in bytes.
    pub(super) start: u64,
    /// Bytes of samples that are in the file.
    pub(super) length: u64,
}

/// Reads the chunks of the file that begins at `start` of a file of `end` bytes, or says what is wrong with them.
pub(super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Result<Aiff, &'static str>> {
    let form = read_at(file, start, 12)?;
    let is_compressed = form.get(8..12) == Some(b"AIFC");
    let (mut common, mut sound) = (None, None);
    // Behind `FORM`, its size, and `AIFF` or `AIFC`.
    let mut at = start + 12;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, 8)?;
        let [id @ .., s0, s1, s2, s3] = head.as_slice() else { break };
        let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        match id {
            b"COMM" if common.is_none() => {
                let length = if is_compressed { COMMON_COMPRESSED } else { COMMON };
                common = Some(read_at(file, at + 8, length)?).filter(|body| body.len() == length && size as usize >= length);
            }
            b"SSND" if sound.is_none() && size >= 8 => sound = sound_data(file, at + 8, size, end)?,
            _ => {}
        }
        if common.is_some() && sound.is_some() {
            break;
        }
        // Chunks are padded to an even length.
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    let Some(common) = common else { return Ok(Err("the aiff file does not say what its samples are")) };
    if common.first_chunk().is_none_or(|channels| u16::from_be_bytes(*channels) > MAX_CHANNELS) {
        return Ok(Err("the channel count of the aiff file is impossible"));
    }
    let (block, start, length) = sound.unwrap_or_default();
    Ok(Ok(Aiff { header: header(&common, is_compressed, block, length), start, length }))
}

/// Size of the blocks to which the samples are aligned, offset of the first sample, and bytes of samples.
fn sound_data(file: &mut (impl Read + Seek), body: u64, size: u32, end: u64) -> io::Result<Option<(u32, u64, u64)>> {
    let numbers = read_at(file, body, 8)?;
    let (Some(Ok(offset)), Some(Ok(block))) = (
        numbers.get(..4).map(|bytes| bytes.try_into().map(u32::from_be_bytes)),
        numbers.get(4..).map(|bytes| bytes.try_into().map(u32::from_be_bytes)),
    ) else {
        return Ok(None);
    };
    let Some(stated) = (size - 8).checked_sub(offset) else { return Ok(None) };
    let start = body + 8 + u64::from(offset);
    Ok(Some((block, start, u64::from(stated).min(end.saturating_sub(start)).min(MAX_DATA))))
}

fn header(common: &[u8], is_compressed: bool, block: u32, length: u64) -> Vec<u8> {
    // The name of the compression, for people, is left empty and padded.
    let name: &[u8] = if is_compressed { &[0, 0] } else { &[] };
    let described = (common.len() + name.len()) as u32;
    let data = length as u32;
    let mut header = b"FORM".to_vec();
    header.extend((4 + 8 + described + 16).saturating_add(data).to_be_bytes());
    header.extend(if is_compressed { b"AIFC" } else { b"AIFF" });
    header.extend(b"COMM");
    header.extend(described.to_be_bytes());
    header.extend(common);
    header.extend(name);
    header.extend(b"SSND");
    header.extend((8 + data).to_be_bytes());
    header.extend(0_u32.to_be_bytes());
    header.extend(block.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read_all(bytes: &[u8]) -> Result<Aiff, &'static str> {
        read(&mut Cursor::new(bytes), 0, bytes.len() as u64).unwrap()
    }

    fn file(channels: u16) -> Vec<u8> {
        let mut bytes = b"FORM\0\0\0\x40AIFFNAME\0\0\0\x01x\0COMM\0\0\0\x12".to_vec();
        bytes.extend(channels.to_be_bytes());
        bytes.extend([0; 16]);
        bytes.extend(b"ANNO\0\0\0\x02hiSSND\0\0\0\x10\0\0\0\x02\0\0\0\0..samples");
        bytes
    }

    #[test]
    fn only_the_samples_and_their_description_are_left() {
        let bytes = file(2);
        let found = read_all(&bytes).unwrap();
        assert_eq!(&bytes[found.start as usize..][..found.length as usize], b"sample");
        assert_eq!(found.header.len(), 12 + 8 + 18 + 16);
        // The header is read as it was written.
        let mut plain = found.header;
        plain.extend(b"sample");
        assert_eq!(read_all(&plain).unwrap().length, 6);
        assert_eq!(u32::from_be_bytes(plain[4..8].try_into().unwrap()) as usize, plain.len() - 8);
    }

    #[test]
    fn a_channel_count_that_overflows_in_the_demuxer_is_found() {
        for channels in [0, 2, 1024] {
            assert!(read_all(&file(channels)).is_ok(), "{channels}");
        }
        for channels in [1025, 0xFFFE, 0x8000] {
            assert_eq!(read_all(&file(channels)), Err("the channel count of the aiff file is impossible"));
        }
    }

    #[test]
    fn every_cut_is_survived() {
        let whole = file(1);
        for cut in 0..whole.len() {
            let _ = read_all(&whole[..cut]);
        }
    }
}
