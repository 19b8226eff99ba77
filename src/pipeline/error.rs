//! Why there is no annotation.

use crate::audio::SignalError;
use crate::audio::decode::DecodeError;
use crate::jobs::stage::Stage;
use crate::stop::Stopped;

/// Why there is no annotation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The job was told to stop.
    #[error("stopped")]
    Stopped,
    /// The recording cannot be decoded.
    #[error("{cause}")]
    InvalidAudio {
        /// Where.
        stage: Stage,
        /// Why.
        cause: String,
    },
    /// A stage lacks its model or a language, and the job is strict.
    #[error("{}: {cause}", stage.name())]
    ModelUnavailable {
        /// Which.
        stage: Stage,
        /// What is missing.
        cause: String,
    },
    /// A stage failed, and the job is strict.
    #[error("{}: {cause}", stage.name())]
    StageFailed {
        /// Which.
        stage: Stage,
        /// Why.
        cause: String,
    },
    /// There is no room on the disk for what is worked with; there may be some later.
    #[error("there is no room on the disk")]
    NoRoom,
    /// A fault of the server.
    #[error("{cause}")]
    Internal {
        /// Where, when it was in a stage.
        stage: Option<Stage>,
        /// Why; for the log.
        cause: String,
    },
}

impl From<Stopped> for PipelineError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// What a failure to decode means at this stage.
pub(super) fn decode_error(stage: Stage, error: DecodeError) -> PipelineError {
    match error {
        DecodeError::Stopped(Stopped) => PipelineError::Stopped,
        DecodeError::Read(source) => {
            PipelineError::Internal { stage: Some(stage), cause: format!("reading the recording: {source}") }
        }
        DecodeError::Signal(error) => signal_error(stage, error),
        error @ (DecodeError::Unsupported { .. }
        | DecodeError::Invalid { .. }
        | DecodeError::TooLong { .. }
        | DecodeError::Empty) => PipelineError::InvalidAudio { stage, cause: error.to_string() },
    }
}

/// What it means that decoded audio could not be kept or read back. No stage can do without it.
pub(super) fn signal_error(stage: Stage, error: SignalError) -> PipelineError {
    match error {
        SignalError::NoRoom => PipelineError::NoRoom,
        error @ SignalError::Lost(_) => PipelineError::Internal { stage: Some(stage), cause: error.to_string() },
    }
}
