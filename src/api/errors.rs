//! Translates the errors of jobs, volume and decoder into errors of the API.

use serde_json::json;

use super::jobs::bodies::ProgressBody;
use crate::audio::SignalError;
use crate::audio::decode::DecodeError;
use crate::http::error::ApiError;
use crate::intake::{IntakeError, InvalidRequest, NoRoom, SpoolError};
use crate::jobs::Job;
use crate::lifecycle::{CancelError, DeleteError, QueueFull, RetryError, StoreError};

impl From<QueueFull> for ApiError {
    fn from(full: QueueFull) -> Self {
        match full {
            QueueFull::Queue { max_queued } => Self::QueueFull { max_queued },
            QueueFull::Share { limit } => Self::PlacesTaken { limit },
        }
    }
}

impl From<NoRoom> for ApiError {
    fn from(reason: NoRoom) -> Self {
        match reason {
            NoRoom::Disk => Self::StorageFull,
            NoRoom::Share => Self::RoomTaken,
        }
    }
}

impl From<SpoolError> for ApiError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit } => Self::FileTooLarge { size: None, limit },
            SpoolError::Full(_) => Self::StorageFull,
            SpoolError::NoRoom(reason) => reason.into(),
            SpoolError::Io(source) => Self::Internal(format!("writing to the volume: {source}")),
        }
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Unsupported { .. } => Self::UnsupportedFormat(error.to_string()),
            DecodeError::Invalid { .. } => Self::InvalidAudio(error.to_string()),
            DecodeError::TooLong { limit } => Self::AudioTooLong { limit_seconds: limit.as_seconds() },
            DecodeError::Empty => Self::AudioEmpty,
            DecodeError::Read(source) => Self::Internal(format!("reading the recording: {source}")),
            DecodeError::Signal(SignalError::NoRoom) => Self::StorageFull,
            DecodeError::Signal(error @ SignalError::Lost(_)) => Self::Internal(error.to_string()),
            DecodeError::Stopped(_) => Self::ShuttingDown,
        }
    }
}

impl ApiError {
    /// The error of a failed operation of the store; `doing` describes it for the log.
    pub(crate) fn from_store(doing: &str, error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::StorageFull,
            StoreError::Missing(cause) | StoreError::Busy(cause) | StoreError::Failed(cause) => {
                Self::Internal(format!("{doing}: {cause}"))
            }
        }
    }

    /// The error for the result of a job that is waiting or running, with about `seconds_left` to go.
    pub(crate) fn result_not_ready(job: &Job, seconds_left: f64) -> Self {
        let mut details = json!({ "status": job.state.name(), "progress": ProgressBody::new(&job.state, None) });
        if let Some(object) = details.as_object_mut() {
            object.insert("job_id".to_owned(), json!(job.id.to_string()));
        }
        Self::ResultNotReady { job: Box::new(details), retry_after_seconds: (seconds_left.ceil() as u64).clamp(1, 60) }
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(invalid: InvalidRequest) -> Self {
        match invalid {
            InvalidRequest::Metadata(checks) => Self::InvalidMetadata(checks),
            InvalidRequest::Options(checks) => Self::InvalidOptions(checks),
        }
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::TooLarge { size, limit } => Self::FileTooLarge { size, limit },
            IntakeError::Undecodable(error) => error.into(),
            IntakeError::Deadly { .. } => Self::InvalidAudio(error.to_string()),
            IntakeError::ModelMissing { stage, reason } => Self::ModelUnavailable { stage, reason },
            IntakeError::FileNotFound => Self::FileNotFound,
            IntakeError::StillWritten => Self::InvalidRequest(error.to_string()),
            IntakeError::KeyReused(_) => Self::IdempotencyKeyReused,
            IntakeError::QueueFull(full) => full.into(),
            IntakeError::NoRoom(reason) => reason.into(),
            IntakeError::Store(error) => Self::from_store("accepting a recording", error),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::JobNotFound,
            CancelError::Finished(job) => Self::JobFinished { status: job.state.name() },
            CancelError::Store(error) => Self::from_store("cancelling a job", error),
        }
    }
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NotFound => Self::JobNotFound,
            RetryError::Finished(job) => Self::JobFinished { status: job.state.name() },
            RetryError::RecordingGone => Self::FileNotFound,
            RetryError::QueueFull(full) => full.into(),
            RetryError::Store(error) => Self::from_store("retrying a job", error),
        }
    }
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound => Self::JobNotFound,
            // Never `StorageFull`: a deletion needs no room.
            DeleteError::StillRunning | DeleteError::FilesKept | DeleteError::Store(_) => Self::Internal(error.to_string()),
        }
    }
}
