//! Why a recording cannot be decoded: one variant for each thing that a caller can do about it.

use crate::audio::SignalError;
use crate::audio::time::Millis;
use crate::stop::Stopped;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The format or codec is not supported; convert the recording.
    #[error("recordings of the kind `{format}` are not supported")]
    Unsupported {
        /// The container or codec, `unknown` if neither could be identified.
        format: String,
    },
    /// The file is damaged, or is not what it claims to be.
    #[error("the recording cannot be decoded: {reason}")]
    Invalid {
        /// What is wrong with the file, for developers.
        reason: String,
    },
    /// The recording exceeds the maximum duration; split it.
    #[error("the recording is longer than {} seconds", limit.as_seconds())]
    TooLong {
        /// Maximum duration for its number of channels.
        limit: Millis,
    },
    /// The recording contains no samples.
    #[error("the recording holds no audio")]
    Empty,
    /// The file could not be read.
    #[error("could not read the recording")]
    Read(#[source] std::io::Error),
    /// The decoded samples could not be stored.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The job was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl DecodeError {
    /// A part of a file would take more memory than decoding may need.
    pub(super) fn too_large() -> Self {
        Self::Invalid { reason: "a part of it is larger than any recording needs".to_owned() }
    }
}
