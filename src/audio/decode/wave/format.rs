//! Parses the `fmt ` chunk of WAV and writes the corresponding plain header.
//!
//! Block sizes and bit depths are accepted only if they are consistent.

use super::super::fixed_frames::FrameShape;
use super::super::gsm;
use super::{Content, Wave, WaveError};

/// Fields of a `fmt ` chunk.
pub(super) struct Format {
    pub(super) tag: u16,
    pub(super) channels: u16,
    pub(super) rate: u32,
    pub(super) block: u16,
    pub(super) bits: u16,
}

/// Parses a `fmt ` chunk.
pub(super) fn parse_format(bytes: &[u8]) -> Result<Format, WaveError> {
    let word = |at: usize| bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map(u16::from_le_bytes);
    let long = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    let (Some(mut tag), Some(channels), Some(rate), Some(block)) = (word(0), word(2), long(4), word(12)) else {
        return Err(WaveError::Impossible("the fmt chunk is cut off"));
    };
    let bits = word(14).unwrap_or(8);
    if tag == 0xFFFE {
        // The real tag is the start of the sub-format's GUID.
        tag = word(24).unwrap_or(1);
    }
    Ok(Format { tag, channels, rate, block, bits })
}

impl Format {
    /// Describes `available` bytes of samples at `start`; `fact` is the number of samples stated by that chunk.
    pub(super) fn describe(self, start: u64, available: u64, fact: Option<u32>) -> Result<Wave, WaveError> {
        if self.channels == 0 || self.rate == 0 {
            return Err(WaveError::Impossible("no channels, or a rate of zero"));
        }
        let (block, samples_in_block, extra) = match self.tag {
            1 | 3 => (self.linear_block()?, 1, 0),
            6 | 7 => (u32::from(self.channels), 1, 2),
            2 | 0x11 => self.adpcm_block()?,
            0x31 => return self.gsm(start, available, fact),
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
        let frames = filled(blocks, samples_in_block, fact);
        let header = self.header(block, extra, length);
        Ok(Wave { start, length, content: Content::Samples { header, frames } })
    }

    /// GSM in blocks of two frames, the only form it has in WAV.
    fn gsm(self, start: u64, available: u64, fact: Option<u32>) -> Result<Wave, WaveError> {
        if self.channels != 1 || u32::from(self.block) != gsm::BLOCK_BYTES {
            return Err(WaveError::Impossible("GSM blocks of an unknown shape"));
        }
        let samples = 2 * gsm::FRAME_SAMPLES;
        let shape =
            FrameShape { codec: gsm::CODEC_GSM_MS, rate: self.rate, channels: 1, bytes: gsm::BLOCK_BYTES, samples, at_once: 1 };
        let blocks = available / u64::from(gsm::BLOCK_BYTES);
        let frames = filled(blocks, u64::from(samples), fact);
        Ok(Wave { start, length: blocks * u64::from(gsm::BLOCK_BYTES), content: Content::Gsm { shape, frames } })
    }

    /// Bytes of one sample of all channels. The stated block is used if it is possible, since 24-bit samples may take
    /// four bytes.
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

    /// For ADPCM: bytes per block, samples per channel and block, and bytes that follow the plain `fmt ` fields.
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

    /// A plain, correct header for `length` bytes of samples.
    pub(super) fn header(&self, block: u32, extra: usize, length: u64) -> Vec<u8> {
        let bits = match self.tag {
            1 | 3 => (self.sample_bytes(block) * 8) as u16,
            6 | 7 => 8,
            _ => 4,
        };
        // Lengths beyond 32 bits are written as "up to the end", which the demuxer understands.
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

/// Samples in `blocks` blocks. The last block is padded; only `fact` states by how much. A `fact` that would drop more
/// than one block is a mistake of the recorder.
fn filled(blocks: u64, samples_in_block: u64, fact: Option<u32>) -> u64 {
    let all = blocks * samples_in_block;
    let stated = fact.map(u64::from).filter(|&stated| samples_in_block > 1 && stated <= all && all - stated < samples_in_block);
    stated.unwrap_or(all)
}

/// Published name of a codec that cannot be decoded.
fn name_of(tag: u16) -> String {
    let name = match tag {
        0x0014 | 0x0040 | 0x0045 => "adpcm_g726",
        0x0022 => "truespeech",
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
