//! Finds the audio of a Matroska or WebM file and writes a plain beginning for it.
//!
//! Tags, attached files, chapters and indexes may be anywhere and of any size, and the demuxer keeps all of them in memory. It
//! sees only what describes the tracks, followed by the clusters; between clusters it passes over everything else. No index is
//! needed, since recordings are read from start to end.

use std::io::{self, Read, Seek};

use super::bytes::read_at;

const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CLUSTER: u32 = 0x1F43_B675;

/// Maximum bytes of what describes the tracks; the largest codec configurations are fonts of subtitles.
const MAX_DESCRIPTION: u64 = 1 << 20;

/// Maximum number of elements before both descriptions and the first cluster are found.
const MAX_ELEMENTS: usize = 1 << 20;

/// Most bytes of an identifier and a size.
const MAX_HEAD: usize = 12;

/// The size field of an element whose end is not known.
const OPEN: [u8; 8] = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// Position of the clusters, and what describes their tracks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matroska {
    pub(super) header: Vec<u8>,
    /// Offset of the first cluster in bytes.
    pub(super) start: u64,
    /// Bytes from there to the end of the file.
    pub(super) length: u64,
}

/// The head of an element.
struct Element {
    id: u32,
    /// Offset of its content.
    body: u64,
    /// Bytes of its content; `None` if it ends where something else begins.
    size: Option<u64>,
}

/// Reads the elements of the file that begins at `start` of a file of `end` bytes, or says what is wrong with them.
pub(super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Result<Matroska, &'static str>> {
    const BROKEN: &str = "the mkv file is cut off or its structure is broken";
    const TOO_LARGE: &str = "the description of its tracks is larger than any recording needs";
    let Some(Element { id: EBML, body, size: Some(size) }) = element(file, start)? else { return Ok(Err(BROKEN)) };
    if size > MAX_DESCRIPTION {
        return Ok(Err(TOO_LARGE));
    }
    let mut header = read_at(file, start, (body + size - start) as usize)?;
    let Some(Element { id: SEGMENT, body: segment, size: segment_size }) = element(file, body + size)? else {
        return Ok(Err(BROKEN));
    };
    let (mut info, mut tracks, mut clusters) = (None, None, None);
    let mut at = segment;
    for _ in 0..MAX_ELEMENTS {
        if at >= end || (clusters.is_some() && info.is_some() && tracks.is_some()) {
            break;
        }
        let Some(Element { id, body, size }) = element(file, at)? else { break };
        match id {
            CLUSTER => _ = clusters.get_or_insert(at),
            INFO | TRACKS => {
                let Some(size) = size else { break };
                if size > MAX_DESCRIPTION {
                    return Ok(Err(TOO_LARGE));
                }
                let described = if id == INFO { &mut info } else { &mut tracks };
                if described.is_none() {
                    *described = Some(read_at(file, at, (body + size - at) as usize)?);
                }
            }
            _ => {}
        }
        match size.and_then(|size| body.checked_add(size)) {
            Some(next) => at = next,
            None => break,
        }
    }
    let (Some(info), Some(tracks)) = (info, tracks) else { return Ok(Err(BROKEN)) };
    let clusters = clusters.unwrap_or(end);
    header.extend(SEGMENT.to_be_bytes());
    let described = (info.len() + tracks.len()) as u64;
    let rest = segment_size.map(|size| segment.saturating_add(size).saturating_sub(clusters).saturating_add(described));
    header.extend(rest.filter(|rest| *rest < 1 << 56).map_or(OPEN, |rest| (rest | 1 << 56).to_be_bytes()));
    header.extend(info);
    header.extend(tracks);
    Ok(Ok(Matroska { header, start: clusters, length: end.saturating_sub(clusters) }))
}

/// Reads the head of the element at an offset; `None` if there is none.
fn element(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Element>> {
    let head = read_at(file, at, MAX_HEAD)?;
    Ok(parse(&head).map(|(id, length, size)| Element { id, body: at + length as u64, size }))
}

/// Identifier, length of the head, and size of the content.
fn parse(head: &[u8]) -> Option<(u32, usize, Option<u64>)> {
    let id_length = head.first()?.leading_zeros() as usize + 1;
    if id_length > 4 {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let id = number(head.get(..id_length)?) as u32;
    let size_length = head.get(id_length)?.leading_zeros() as usize + 1;
    let raw = number(head.get(id_length..id_length + size_length.min(8))?);
    let mask = (1_u64 << (7 * size_length.min(8))) - 1;
    if size_length > 8 {
        return None;
    }
    let size = raw & mask;
    Some((id, id_length + size_length, (size != mask).then_some(size)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn put(id: u32, size: u32, body: &[u8]) -> Vec<u8> {
        [&id.to_be_bytes()[..], &(size | 1 << 28).to_be_bytes(), body].concat()
    }

    fn whole(id: u32, body: &[u8]) -> Vec<u8> {
        put(id, body.len() as u32, body)
    }

    fn file(children: &[Vec<u8>]) -> Vec<u8> {
        [whole(EBML, b"header"), whole(SEGMENT, &children.concat())].concat()
    }

    fn read_all(bytes: &[u8]) -> Result<Matroska, &'static str> {
        read(&mut Cursor::new(bytes), 0, bytes.len() as u64).unwrap()
    }

    const TAGS: u32 = 0x1254_C367;

    #[test]
    fn tags_are_left_out_and_descriptions_come_first() {
        let (info, tracks, cluster) = (whole(INFO, b"info"), whole(TRACKS, b"tracks"), whole(CLUSTER, b"blocks"));
        let tags = whole(TAGS, &[0; 500]);
        for order in [[&tags, &info, &tracks, &tags, &cluster, &tags], [&tags, &cluster, &tags, &tracks, &info, &tags]] {
            let bytes = file(&order.map(Clone::clone));
            let found = read_all(&bytes).unwrap();
            assert!(bytes[found.start as usize..].starts_with(&cluster));
            assert_eq!(found.start + found.length, bytes.len() as u64);
            assert!(found.header.ends_with(&[info.clone(), tracks.clone()].concat()));
            // The segment ends where it ended.
            let plain = [&found.header, &bytes[found.start as usize..]].concat();
            let segment = element(&mut Cursor::new(&plain), 14).unwrap().unwrap();
            assert_eq!((segment.id, segment.body + segment.size.unwrap()), (SEGMENT, plain.len() as u64));
        }
    }

    #[test]
    fn a_description_is_bounded_before_it_is_read() {
        let claims = put(TRACKS, MAX_DESCRIPTION as u32 + 1, b"");
        assert_eq!(read_all(&file(&[claims])), Err("the description of its tracks is larger than any recording needs"));
        assert_eq!(read_all(&file(&[])), Err("the mkv file is cut off or its structure is broken"));
    }

    #[test]
    fn every_cut_and_every_giant_size_is_survived() {
        let all = file(&[whole(INFO, b"info"), whole(TRACKS, b"tracks"), whole(CLUSTER, b"blocks")]);
        for cut in 0..all.len() {
            let _ = read_all(&all[..cut]);
            for byte in [0, 1, 0xFF] {
                let mut odd = all.clone();
                odd[cut] = byte;
                let _ = read_all(&odd);
            }
        }
    }
}
