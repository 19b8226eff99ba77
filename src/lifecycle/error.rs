//! Why a change was not made, by what the caller can do about it.

use std::io;
use std::sync::Arc;

use super::QueueFull;
use crate::jobs::Job;

/// The store refused a change, or could not return what it should contain. The text is the cause, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk is full; there may be room later.
    #[error("{0}")]
    Full(String),
    /// The requested file does not exist.
    #[error("{0}")]
    Missing(String),
    /// The file is still being written or has just been changed.
    #[error("{0}")]
    Busy(String),
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of the system's errors are not ours")]
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::ResourceBusy => Self::Busy,
            _ => Self::Failed,
        };
        kind(error.to_string())
    }
}

/// A waiting job could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Its recording is missing: the job cannot be processed.
    #[error("{0}")]
    RecordingGone(StoreError),
    /// The store failed, possibly only temporarily.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such job")]
    NotFound,
    #[error("the job has ended")]
    Finished(Arc<Job>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job was not queued again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such job")]
    NotFound,
    /// It has a result, or had one.
    #[error("the job is completed")]
    Finished(Arc<Job>),
    #[error("the recording is gone")]
    RecordingGone,
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RetryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(_) => Self::RecordingGone,
            error @ (StoreError::Full(_) | StoreError::Busy(_) | StoreError::Failed(_)) => Self::Store(error),
        }
    }
}

/// A job was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    #[error("there is no such job")]
    NotFound,
    /// It runs and may still stop and be removed.
    #[error("a running job did not stop for its deletion in time")]
    StillRunning,
    /// It has stopped, and is kept as failed.
    #[error("the files of a running job could not be removed")]
    FilesKept,
    #[error("removing a job: {0}")]
    Store(#[from] StoreError),
}
