//! Skips the metadata of a FLAC file.
//!
//! Only the first metadata block is needed. The others contain pictures, cue sheets and comments; they are large, often
//! damaged by tag editors, and would make a strict demuxer refuse a file whose audio is intact.

use std::io::{self, Read, Seek};

use super::bytes::read_at;

/// Bytes of marker, block header and stream information.
const HEADER: usize = 4 + 4 + 34;

/// Maximum number of metadata blocks.
const MAX_BLOCKS: usize = 4_096;

/// Returns a minimal header and the offset of the audio, as far as the metadata is valid; `None` if the file does not
/// begin with stream information.
pub(super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut header = read_at(file, start, HEADER)?;
    let is_information = header.get(4).is_some_and(|kind| kind.trailing_zeros() >= 7) && header.get(5..8) == Some(&[0, 0, 34]);
    if header.len() < HEADER || !is_information {
        return Ok(None);
    }
    let mut is_last = header.get(4).is_some_and(|kind| kind & 0x80 != 0);
    let mut at = start + HEADER as u64;
    for _ in 0..MAX_BLOCKS {
        if is_last {
            break;
        }
        let block = read_at(file, at, 4)?;
        let [kind, high, middle, low] = block.as_slice() else { break };
        let length = u64::from(u32::from_be_bytes([0, *high, *middle, *low]));
        // Where the chain of blocks breaks, the demuxer searches for the first frame itself.
        if kind & 0x7F > 6 || at + 4 + length >= end {
            break;
        }
        is_last = kind & 0x80 != 0;
        at += 4 + length;
    }
    if let Some(kind) = header.get_mut(4) {
        *kind |= 0x80;
    }
    Ok(Some((header, at)))
}
