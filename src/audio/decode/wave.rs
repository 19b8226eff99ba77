//! WAV headers as they are found, made into the header they should have been.
//!
//! Recorders of telephone calls write WAV in many wrong ways: sizes of zero because the call was still running, sizes of
//! `0xFFFFFFFF` because the output was a pipe, a `fmt ` chunk of any length, 64-bit sizes, a file that was cut off. All that
//! matters is where the samples are and what they are; both are found here, and the demuxer is given a plain header that
//! is true. Reads headers only, never samples.

use std::io::{self, Read, Seek};

use super::sniff::read_at;

/// Where the samples of a WAV file are, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wave {
    /// The first byte of the samples.
    pub(super) start: u64,
    /// Bytes of samples that are really there, whole blocks.
    pub(super) length: u64,
    pub(super) content: Content,
}

/// What stands in the `data` chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Samples that can be read behind this header; so many a channel.
    Samples { header: Vec<u8>, frames: u64 },
    /// A stream of MPEG frames.
    Mpeg,
    /// A codec that cannot be decoded.
    Unsupported(String),
}

/// Why a file that begins like WAV cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum WaveError {
    #[error("the WAV file has no {0} chunk")]
    Missing(&'static str),
    #[error("the WAV header is impossible: {0}")]
    Impossible(&'static str),
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Chunks a file may have; more are a trap.
const MAX_CHUNKS: usize = 4_096;

/// Chunks that stand behind an empty `data` chunk, as opposed to samples behind one whose size was never filled in.
const KNOWN_CHUNKS: [&[u8]; 8] = [b"LIST", b"fact", b"bext", b"cue ", b"id3 ", b"ID3 ", b"smpl", b"iXML"];

/// The `fmt ` chunk.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    block: u16,
    bits: u16,
}

/// Finds the samples of the WAV file that begins at `start` of `file`, which is `end` bytes long.
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
        // Chunks begin at even places.
        at = body + u64::from(size) + u64::from(size & 1);
    }
    let format = format.ok_or(WaveError::Missing("fmt"))?;
    let (body, length) = data.ok_or(WaveError::Missing("data"))?;
    format.describe(body, length, fact)
}

/// The bytes of samples that are there: as stated, or up to the end of the file when that is shorter or nothing useful
/// was stated.
fn stated_or_rest(file: &mut (impl Read + Seek), body: u64, stated: u64, end: u64) -> io::Result<u64> {
    let rest = end.saturating_sub(body);
    if stated != 0 {
        return Ok(stated.min(rest));
    }
    let next = read_at(file, body, 4)?;
    Ok(if KNOWN_CHUNKS.contains(&next.as_slice()) { 0 } else { rest })
}

fn parse_format(bytes: &[u8]) -> Result<Format, WaveError> {
    let word = |at: usize| bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map(u16::from_le_bytes);
    let long = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    let (Some(mut tag), Some(channels), Some(rate), Some(block)) = (word(0), word(2), long(4), word(12)) else {
        return Err(WaveError::Impossible("the fmt chunk is cut off"));
    };
    let bits = word(14).unwrap_or(8);
    if tag == 0xFFFE {
        // The real tag is the start of the sub-format's identifier.
        tag = word(24).unwrap_or(1);
    }
    Ok(Format { tag, channels, rate, block, bits })
}

impl Format {
    fn describe(self, start: u64, available: u64, fact: Option<u32>) -> Result<Wave, WaveError> {
        if self.channels == 0 || self.rate == 0 {
            return Err(WaveError::Impossible("no channels, or a rate of zero"));
        }
        let (block, samples_in_block, extra) = match self.tag {
            1 | 3 => (self.linear_block()?, 1, 0),
            6 | 7 => (u32::from(self.channels), 1, 2),
            2 | 0x11 => self.adpcm_block()?,
            0x50 | 0x55 => return Ok(Wave { start, length: available, content: Content::Mpeg }),
            tag => {
                let content = Content::Unsupported(name_of(tag));
                return Ok(Wave { start, length: available, content });
            }
        };
        if self.tag == 3 && !matches!(self.sample_bytes(block), 4 | 8) {
            return Ok(Wave { start, length: available, content: Content::Unsupported("pcm_f16le".to_owned()) });
        }
        let blocks = available / u64::from(block);
        let length = blocks * u64::from(block);
        let mut frames = blocks * samples_in_block;
        if samples_in_block > 1 {
            // The last block is filled up; only `fact` knows by how much. A `fact` that would drop more than one block is
            // the mistake of a recorder.
            if let Some(stated) = fact.map(u64::from)
                && stated <= frames
                && frames - stated < samples_in_block
            {
                frames = stated;
            }
        }
        let header = self.header(block, extra, length);
        Ok(Wave { start, length, content: Content::Samples { header, frames } })
    }

    /// Bytes of one sample of all channels; the stated block is believed when it can be true, since samples of 24 bits may
    /// stand in four bytes.
    fn linear_block(&self) -> Result<u32, WaveError> {
        let channels = u32::from(self.channels);
        let stated = u32::from(self.block);
        let from_bits = u32::from(self.bits).div_ceil(8) * channels;
        let block = if stated >= from_bits && stated % channels == 0 { stated } else { from_bits };
        let widest = if self.tag == 3 { 8 } else { 4 };
        if block == 0 || block / channels > widest || block > u32::from(u16::MAX) {
            return Err(WaveError::Impossible("samples of an unknown size"));
        }
        Ok(block)
    }

    fn sample_bytes(&self, block: u32) -> u32 {
        block / u32::from(self.channels)
    }

    /// Bytes of a block of ADPCM, samples a channel in it, and bytes to follow the plain `fmt ` fields.
    fn adpcm_block(&self) -> Result<(u32, u64, usize), WaveError> {
        let block = u64::from(self.block);
        let channels = u64::from(self.channels);
        let (preamble, first, extra) = if self.tag == 2 { (7, 2, 2 + 32) } else { (4, 1, 2 + 2) };
        if self.bits != 4 || channels > 2 || block <= preamble * channels {
            return Err(WaveError::Impossible("ADPCM blocks of an unknown shape"));
        }
        let samples = (block - preamble * channels) * 2 / channels + first;
        Ok((u32::from(self.block), samples, extra))
    }

    /// A plain and true header for `length` bytes of samples.
    fn header(&self, block: u32, extra: usize, length: u64) -> Vec<u8> {
        let bits = match self.tag {
            1 | 3 => (self.sample_bytes(block) * 8) as u16,
            6 | 7 => 8,
            _ => 4,
        };
        // What does not fit 32 bits is written as "up to the end", which is what the demuxer then takes.
        let data = u32::try_from(length).ok().filter(|&length| length < u32::MAX - 256).unwrap_or(u32::MAX);
        let format = 16 + extra as u32;
        let mut header = Vec::with_capacity(80);
        header.extend(b"RIFF");
        header.extend(data.saturating_add(4 + 8 + format + 8).to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(format.to_le_bytes());
        header.extend(self.tag.to_le_bytes());
        header.extend(self.channels.to_le_bytes());
        header.extend(self.rate.to_le_bytes());
        header.extend(self.rate.saturating_mul(block).to_le_bytes());
        header.extend((block as u16).to_le_bytes());
        header.extend(bits.to_le_bytes());
        if extra >= 2 {
            header.extend((extra as u16 - 2).to_le_bytes());
            header.resize(header.len() + extra - 2, 0);
        }
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        header
    }
}

/// What a codec that cannot be decoded is called.
fn name_of(tag: u16) -> String {
    let name = match tag {
        0x0014 | 0x0040 | 0x0045 => "adpcm_g726",
        0x0022 => "truespeech",
        0x0031 => "gsm",
        0x0038 | 0x0057 | 0x0058 => "amr",
        0x0041 | 0x0083 => "g729",
        0x0042 | 0x0111 => "g723",
        0x0062 | 0x0064 | 0x0065 | 0x028F => "adpcm_g722",
        0x00FF | 0x1600..=0x1610 | 0xA106 => "aac",
        0x0160..=0x0163 => "wma",
        0x2000 | 0x0092 => "ac3",
        0xA109 => "speex",
        _ => return format!("wav codec {tag:#06x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

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
            other @ (Content::Mpeg | Content::Unsupported(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn sizes_that_lie_are_replaced_by_what_is_there() {
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
        let bytes = file(0x31, 8, 100, 100);
        let wave = read(&mut Cursor::new(&bytes), 0, bytes.len() as u64).unwrap();
        assert_eq!(wave.content, Content::Unsupported("gsm".to_owned()));
    }

    #[test]
    fn a_header_without_samples_is_an_error() {
        assert!(read(&mut Cursor::new(b"RIFF\0\0\0\0WAVE"), 0, 12).is_err());
    }
}
