//! Why a recording is not accepted: the refusal of a request, and the failure of a job from a dropped file.

use crate::audio::decode::DecodeError;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};
use crate::lifecycle::{AcceptError, KeyReused, QueueFull, StoreError};
use crate::volume::{NoRoom, SpoolError};

/// Why a recording is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The file is too large; its size is known if it was announced or measured.
    #[error("the recording is larger than {limit} bytes")]
    TooLarge { size: Option<u64>, limit: u64 },
    /// The file is not a recording that can be processed, or could not be read.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// The server has died so often while it examined this file that it does not try again.
    #[error("the server stopped {deaths} times while it examined this file")]
    Deadly { deaths: u32 },
    /// The job is strict and would fail without this model.
    #[error("{}: {reason}", stage.name())]
    ModelMissing { stage: Stage, reason: String },
    #[error("there is no such file")]
    FileNotFound,
    #[error("the file is still being written")]
    StillWritten,
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(_) => Self::FileNotFound,
            StoreError::Busy(_) => Self::StillWritten,
            error @ (StoreError::Full(_) | StoreError::Failed(_)) => Self::Store(error),
        }
    }
}

impl From<AcceptError> for IntakeError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::KeyReused(reused) => reused.into(),
            AcceptError::QueueFull(full) => full.into(),
            AcceptError::Store(error) => error.into(),
        }
    }
}

impl From<SpoolError> for IntakeError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit } => Self::TooLarge { size: None, limit },
            SpoolError::NoRoom(full) => full.into(),
            error @ (SpoolError::Full(_) | SpoolError::Io(_)) => Self::Store(error.into()),
        }
    }
}

impl IntakeError {
    /// The failure of a job whose dropped file is refused for this reason.
    ///
    /// # Errors
    /// When the cause is not the file: it stays in place and is tried again.
    pub(super) fn into_failure(self) -> Result<Failure, StoreError> {
        let message = self.to_string();
        let (code, message, stage) = match self {
            Self::TooLarge { size, limit } => {
                let size = size.unwrap_or_default();
                (FailureCode::FileTooLarge, format!("the file has {size} bytes; files.max_size allows {limit}"), None)
            }
            Self::Undecodable(error) => match error {
                DecodeError::Unsupported { .. } => (FailureCode::UnsupportedFormat, message, None),
                DecodeError::Invalid { .. } => (FailureCode::InvalidAudio, message, None),
                DecodeError::TooLong { .. } => (FailureCode::AudioTooLong, message, None),
                DecodeError::Empty => (FailureCode::AudioEmpty, message, None),
                DecodeError::Read(source) => return Err(source.into()),
                DecodeError::Signal(error) => return Err(StoreError::Failed(error.to_string())),
                DecodeError::Stopped(stopped) => return Err(StoreError::Failed(stopped.to_string())),
            },
            Self::Deadly { .. } => (FailureCode::CrashedRepeatedly, message, None),
            Self::ModelMissing { stage, reason } => (FailureCode::ModelUnavailable, reason, Some(stage)),
            Self::FileNotFound => return Err(StoreError::Missing(message)),
            Self::StillWritten => return Err(StoreError::Busy(message)),
            Self::NoRoom(_) => return Err(StoreError::Full(message)),
            Self::KeyReused(_) | Self::QueueFull(_) => return Err(StoreError::Failed(message)),
            Self::Store(error) => return Err(error),
        };
        Ok(Failure { code, message, stage })
    }
}
