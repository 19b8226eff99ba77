//! The errors that fail a job in the pipeline, and which one a decoder error becomes.

use crate::audio::SignalError;
use crate::audio::decode::DecodeError;
use crate::jobs::stage::Stage;
use crate::stop::Stopped;

/// Why the pipeline produced no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The job's stop signal was raised.
    #[error("stopped")]
    Stopped,
    /// The recording cannot be decoded.
    #[error("{cause}")]
    InvalidAudio {
        /// The stage that found out: validation or preprocessing.
        stage: Stage,
        cause: String,
    },
    /// A stage lacks its model or a language, and the job is strict.
    #[error("{}: {cause}", stage.name())]
    ModelUnavailable {
        stage: Stage,
        /// The missing model or language.
        cause: String,
    },
    /// A stage failed, and the job is strict.
    #[error("{}: {cause}", stage.name())]
    StageFailed { stage: Stage, cause: String },
    /// The disk has no room for the scratch files; the job can be run again later.
    #[error("there is no room on the disk")]
    NoRoom,
    /// A fault of the server, not of the recording.
    #[error("{cause}")]
    Internal {
        /// The stage in which it happened, if any.
        stage: Option<Stage>,
        /// For the log only; clients get a general message.
        cause: String,
    },
}

impl From<Stopped> for PipelineError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// The pipeline error for a decoder error in `stage`.
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

/// The pipeline error when decoded audio could not be stored or read back, which no stage can do without.
pub(super) fn signal_error(stage: Stage, error: SignalError) -> PipelineError {
    match error {
        SignalError::NoRoom => PipelineError::NoRoom,
        error @ SignalError::Lost(_) => PipelineError::Internal { stage: Some(stage), cause: error.to_string() },
    }
}
