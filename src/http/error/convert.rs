//! Conversions: the errors of other modules as errors of requests.

use std::io;

use serde_json::json;

use super::ApiError;
use crate::access::limits::Exceeded;
use crate::audio::SignalError;
use crate::audio::decode::DecodeError;
use crate::http::bodies::progress::ProgressBody;
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
    /// The error of a failed operation on the volume; `doing` describes it for the log.
    pub(in crate::http) fn from_io(doing: &str, error: &io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::StorageFull
        } else {
            Self::Internal(format!("{doing}: {error}"))
        }
    }

    /// The error for the result of a job that is waiting or running.
    pub(in crate::http) fn result_not_ready(job: &Job, seconds_left: f64) -> Self {
        let mut details = json!({ "status": job.state.name(), "progress": ProgressBody::new(&job.state, None) });
        if let Some(object) = details.as_object_mut() {
            object.insert("job_id".to_owned(), json!(job.id.to_string()));
        }
        Self::ResultNotReady { job: Box::new(details), retry_after_seconds: (seconds_left.ceil() as u64).clamp(1, 60) }
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        // Rounded up, so that a client that waits this long is admitted.
        let retry_after_seconds = exceeded.retry_after.as_secs() + 1;
        Self::RateLimited { limit: exceeded.quota.limit.into(), retry_after_seconds }
    }
}
