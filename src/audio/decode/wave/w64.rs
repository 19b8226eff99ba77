//! Reads Wave64, Sony's variant of WAV for files over 4 GiB: the same chunks, with 128-bit identifiers and 64-bit
//! sizes.
//!
//! Reads headers only. A size that reaches past the end of the file, or was never filled in, means the rest of the
//! file.

use std::io::{Read, Seek};

use super::super::bytes::read_at;
use super::format::parse_format;
use super::{MAX_CHUNKS, Wave, WaveError, stated_or_rest};

/// Chunk identifiers; all but the first share their last twelve bytes.
const RIFF: [u8; 16] = *b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";
const TAIL: [u8; 12] = *b"\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A";

/// Bytes of identifier and size; sizes include them.
const HEAD: u64 = 24;

/// True if a file begins with a Wave64 header.
pub(in super::super) fn is_wave64(head: &[u8]) -> bool {
    head.starts_with(&RIFF) && head.get(24..28) == Some(b"wave") && head.get(28..40) == Some(&TAIL)
}

/// Finds the samples of a file of `end` bytes.
pub(in super::super) fn read(file: &mut (impl Read + Seek), end: u64) -> Result<Wave, WaveError> {
    let (mut format, mut data, mut fact) = (None, None, None);
    let mut at = HEAD + 16;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, HEAD as usize)?;
        let Some((id, size)) = head.split_first_chunk::<16>() else { break };
        let Ok(size) = size.try_into().map(u64::from_le_bytes) else { break };
        let (body, length) = (at + HEAD, size.saturating_sub(HEAD));
        match id.split_first_chunk::<4>() {
            Some((b"fmt ", tail)) if tail == TAIL => {
                format = Some(parse_format(&read_at(file, body, length.min(64) as usize)?)?);
            }
            Some((b"fact", tail)) if tail == TAIL => {
                fact = read_at(file, body, 4)?.try_into().ok().map(u32::from_le_bytes);
            }
            Some((b"data", tail)) if tail == TAIL && data.is_none() => {
                data = Some((body, stated_or_rest(file, body, length, end)?));
            }
            _ => {}
        }
        if format.is_some() && data.is_some() {
            break;
        }
        // Chunks begin at multiples of eight.
        let next = at.checked_add(size.max(HEAD)).and_then(|next| next.checked_next_multiple_of(8));
        at = match next {
            Some(next) if next < end => next,
            Some(_) | None => break,
        };
    }
    let format = format.ok_or(WaveError::Missing("fmt"))?;
    let (body, length) = data.ok_or(WaveError::Missing("data"))?;
    format.describe(body, length, fact)
}
