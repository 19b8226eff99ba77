//! Parses the header of AU, the file format of Sun and NeXT, in which telephony software writes `audio/basic`.
//!
//! The header is six 32-bit numbers; its size field is often not filled in.

use std::io::{self, Read, Seek};

use symphonia::core::codecs::audio::well_known as id;

use super::bytes::read_at;
use super::fixed_frames::FrameShape;

/// Headers that claim more channels are invalid.
const MOST_CHANNELS: u16 = 64;

/// Position and format of the samples in an AU file.
pub(super) struct Au {
    /// Offset of the first sample in bytes.
    pub(super) start: u64,
    /// Bytes of samples that are in the file.
    pub(super) length: u64,
    /// Format of the samples, or the name of an encoding that cannot be decoded.
    pub(super) content: Result<FrameShape, String>,
}

/// Reads the header of a file of `end` bytes; `None` if it is invalid.
pub(super) fn read(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<Au>> {
    let header = read_at(file, 0, 24)?;
    let (words, _) = header.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let [_magic, start, stated, encoding, rate, channels] = words[..] else { return Ok(None) };
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    if channels > MOST_CHANNELS {
        return Ok(None);
    }
    // The numbers are followed by an annotation of any length, within the file.
    if start < 24 || u64::from(start) > end || rate == 0 || channels == 0 {
        return Ok(None);
    }
    let rest = end - u64::from(start);
    // All bits set means that the size was not known when writing began.
    let length = if stated == u32::MAX { rest } else { rest.min(u64::from(stated)) };
    let codec = match encoding {
        1 => Some((id::CODEC_ID_PCM_MULAW, 1)),
        2 => Some((id::CODEC_ID_PCM_S8, 1)),
        3 => Some((id::CODEC_ID_PCM_S16BE, 2)),
        4 => Some((id::CODEC_ID_PCM_S24BE, 3)),
        5 => Some((id::CODEC_ID_PCM_S32BE, 4)),
        6 => Some((id::CODEC_ID_PCM_F32BE, 4)),
        7 => Some((id::CODEC_ID_PCM_F64BE, 8)),
        27 => Some((id::CODEC_ID_PCM_ALAW, 1)),
        _ => None,
    };
    let content =
        codec.map(|(codec, bytes)| FrameShape::of_samples(codec, rate, channels, bytes)).ok_or_else(|| match encoding {
            23 | 25 | 26 => "adpcm_g726".to_owned(),
            24 => "adpcm_g722".to_owned(),
            other => format!("au encoding {other}"),
        });
    Ok(Some(Au { start: u64::from(start), length, content }))
}
