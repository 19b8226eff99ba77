//! Where the samples of a WAV file are and what they are, or why it cannot be read. Plain data.

use std::io;

use super::super::fixed_frames::FrameShape;

/// Position and format of the samples in a WAV file.
#[derive(Debug, Clone)]
pub(in crate::audio::decode) struct Wave {
    /// Offset of the first sample in bytes.
    pub(in crate::audio::decode) start: u64,
    /// Bytes of samples in the file, in complete blocks.
    pub(in crate::audio::decode) length: u64,
    pub(in crate::audio::decode) content: Content,
}

/// The content of the `data` chunk.
#[derive(Debug, Clone)]
pub(in crate::audio::decode) enum Content {
    /// Samples for the WAV demuxer behind this header, with their number per channel.
    Samples { header: Vec<u8>, frames: u64 },
    /// Blocks of GSM, with the number of samples.
    Gsm { shape: FrameShape, frames: u64 },
    /// A stream of MPEG frames.
    Mpeg,
    /// A codec that cannot be decoded, by name.
    Unsupported(String),
}

/// Why a WAV file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::audio::decode) enum WaveError {
    #[error("the WAV file has no {0} chunk")]
    Missing(&'static str),
    #[error("the WAV header is impossible: {0}")]
    Impossible(&'static str),
    #[error(transparent)]
    Read(#[from] io::Error),
}
