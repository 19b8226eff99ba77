//! The errors of jobs, volume and decoder, as a client gets them.

use std::io;

use serde_json::json;

use super::jobs::bodies::ProgressBody;
use crate::audio::SignalError;
use crate::audio::decode::DecodeError;
use crate::http::error::ApiError;
use crate::jobs::Job;
use crate::jobs::registry::QueueFull;
use crate::volume::SpoolError;

impl From<QueueFull> for ApiError {
    fn from(full: QueueFull) -> Self {
        Self::QueueFull { max_queued: full.max_queued }
    }
}

impl From<SpoolError> for ApiError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit } => Self::FileTooLarge { size: None, limit },
            SpoolError::Full(_) => Self::StorageFull,
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
    /// A failed operation on the volume; a full disk has a code of its own.
    pub(crate) fn from_io(doing: &str, error: &io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::StorageFull
        } else {
            Self::Internal(format!("{doing}: {error}"))
        }
    }

    /// The refusal of the result of a job that waits or runs, which will probably take `seconds_left` more.
    pub(crate) fn result_not_ready(job: &Job, seconds_left: f64) -> Self {
        let mut details = json!({ "status": job.state.name(), "progress": ProgressBody::new(&job.state, None) });
        if let Some(object) = details.as_object_mut() {
            object.insert("job_id".to_owned(), json!(job.id.to_string()));
        }
        Self::ResultNotReady { job: Box::new(details), retry_after_seconds: (seconds_left.ceil() as u64).clamp(1, 60) }
    }
}
