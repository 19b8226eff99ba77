//! Reads WAV headers leniently and replaces them by correct ones.
//!
//! Call recorders write many wrong WAV headers: sizes of zero because the call was still in progress, sizes of
//! `0xFFFFFFFF` because the output was a pipe, `fmt ` chunks of any length, 64-bit sizes, truncated files. Only
//! position and format of the samples matter; both are determined here, and the demuxer gets a plain, correct header.
//! Reads headers only.

mod format;
mod samples;
pub(super) mod w64;

use std::io::{self, Read, Seek};

use self::format::parse_format;
pub(super) use self::samples::{Content, Wave, WaveError};
use super::bytes::read_at;

/// Maximum number of chunks; more are an attack.
const MAX_CHUNKS: usize = 4_096;

/// Chunks that may follow an empty `data` chunk; anything else there means samples behind a size that was never filled
/// in.
const KNOWN_CHUNKS: [&[u8]; 8] = [b"LIST", b"fact", b"bext", b"cue ", b"id3 ", b"ID3 ", b"smpl", b"iXML"];

/// Finds the samples of the WAV file that begins at `start` of a file of `end` bytes.
pub(super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Wave, WaveError> {
    let (mut format, mut data, mut fact, mut long_size) = (None, None, None, None);
    let mut at = start + 12;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, 8)?;
        let [id @ .., s0, s1, s2, s3] = head.as_slice() else { break };
        let size = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
        let body = at + 8;
        match id {
            b"fmt " => format = Some(parse_format(&read_at(file, body, (size as usize).min(64))?)?),
            b"fact" => fact = read_at(file, body, 4)?.try_into().ok().map(u32::from_le_bytes),
            b"ds64" => long_size = read_at(file, body + 8, 8)?.try_into().ok().map(u64::from_le_bytes),
            b"data" if data.is_none() => {
                let stated = if size == u32::MAX { long_size.unwrap_or(u64::MAX) } else { u64::from(size) };
                data = Some((body, stated_or_rest(file, body, stated, end)?));
            }
            _ => {}
        }
        if format.is_some() && data.is_some() {
            break;
        }
        // Chunks begin at even offsets.
        at = body + u64::from(size) + u64::from(size & 1);
    }
    let format = format.ok_or(WaveError::Missing("fmt"))?;
    let (body, length) = data.ok_or(WaveError::Missing("data"))?;
    format.describe(body, length, fact)
}

/// Bytes of samples in the file: the stated size, limited to the end of the file, or the rest of the file if no size
/// was filled in.
fn stated_or_rest(file: &mut (impl Read + Seek), body: u64, stated: u64, end: u64) -> io::Result<u64> {
    let rest = end.saturating_sub(body);
    if stated != 0 {
        return Ok(stated.min(rest));
    }
    let next = read_at(file, body, 4)?;
    Ok(if KNOWN_CHUNKS.contains(&next.as_slice()) { 0 } else { rest })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::format::Format;
    use super::*;

    fn file(tag: u16, bits: u16, size: u32, samples: usize) -> Vec<u8> {
        let format = Format { tag, channels: 1, rate: 8_000, block: bits / 8, bits };
        let mut bytes = format.header(u32::from(bits / 8), 0, 0);
        let size_at = bytes.len() - 4;
        bytes[size_at..].copy_from_slice(&size.to_le_bytes());
        bytes.resize(bytes.len() + samples * usize::from(bits / 8), 1);
        bytes
    }

    fn frames(bytes: &[u8]) -> u64 {
        match read(&mut Cursor::new(bytes), 0, bytes.len() as u64).unwrap().content {
            Content::Samples { frames, .. } => frames,
            other @ (Content::Gsm { .. } | Content::Mpeg | Content::Unsupported(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn wrong_sizes_are_replaced_by_the_actual_ones() {
        for size in [0, u32::MAX, 1_000_000, 200] {
            assert_eq!(frames(&file(1, 16, size, 100)), 100, "{size}");
        }
        assert_eq!(frames(&file(1, 16, 100, 100)), 50);
    }

    #[test]
    fn companded_samples_need_no_long_fmt_chunk() {
        assert_eq!(frames(&file(7, 8, 100, 100)), 100);
    }

    #[test]
    fn an_empty_data_chunk_before_another_chunk_is_empty() {
        let mut bytes = file(1, 16, 0, 0);
        bytes.extend(b"LIST\x04\0\0\0INFO");
        assert_eq!(frames(&bytes), 0);
    }

    #[test]
    fn unknown_codecs_are_named() {
        let bytes = file(0x42, 8, 100, 100);
        let wave = read(&mut Cursor::new(&bytes), 0, bytes.len() as u64).unwrap();
        assert!(matches!(wave.content, Content::Unsupported(name) if name == "g723"));
    }

    #[test]
    fn a_header_without_samples_is_an_error() {
        assert!(read(&mut Cursor::new(b"RIFF\0\0\0\0WAVE"), 0, 12).is_err());
    }
}
