//! The header of AU, the file format of Sun and NeXT, in which telephone software writes `audio/basic`.
//!
//! Four numbers say everything; their sizes are often not filled in. Pure parsing of a header.

use std::io::{self, Read, Seek};

use symphonia::core::codecs::audio::well_known as id;

use super::frames::Shape;
use super::bytes::read_at;

/// No recording of a voice has more; what claims more is no header.
const MOST_CHANNELS: u16 = 64;

/// Where the samples are, and what.
pub(super) struct Au {
    /// The first byte of the samples.
    pub(super) start: u64,
    /// Bytes of samples that are really there.
    pub(super) length: u64,
    /// What they are, or the name of what cannot be decoded.
    pub(super) content: Result<Shape, String>,
}

/// Reads the header of a file of `end` bytes; `None` when it makes no sense.
pub(super) fn read(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<Au>> {
    let header = read_at(file, 0, 24)?;
    let (words, _) = header.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let [_magic, start, stated, encoding, rate, channels] = words[..] else { return Ok(None) };
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    if channels > MOST_CHANNELS {
        return Ok(None);
    }
    // Behind the numbers stands a note of any length, but not the whole file.
    if start < 24 || u64::from(start) > end || rate == 0 || channels == 0 {
        return Ok(None);
    }
    let rest = end - u64::from(start);
    // All bits set: a size that was not known when the writing began.
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
    let content = codec.map(|(codec, bytes)| Shape::of_samples(codec, rate, channels, bytes)).ok_or_else(|| match encoding {
        23 | 25 | 26 => "adpcm_g726".to_owned(),
        24 => "adpcm_g722".to_owned(),
        other => format!("au encoding {other}"),
    });
    Ok(Some(Au { start: u64::from(start), length, content }))
}
