//! Everything that can go wrong with a request, and the one place where a status and a code are chosen.
//!
//! An [`ApiError`] becomes a response without a body; the outermost layer ([`super::layers`]) knows the request id and
//! writes the envelope. Turning an error into a response therefore has no side effect, and no error escapes the envelope.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::body;
use crate::audio::decode::DecodeError;
use crate::jobs::registry::QueueFull;
use crate::jobs::{Failure, Job};
use crate::volume::SpoolError;

/// One check of a request that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FailedCheck {
    /// Where, for example `metadata.priority`.
    pub(super) field: String,
    /// What kind of mistake: `type`, `range`, `length`, `format`, `unknown`, `missing`, `json`, `duplicate`.
    pub(super) error_type: &'static str,
    /// In a sentence.
    pub(super) message: String,
    /// What would do, when it can be said in a value.
    pub(super) constraints: Value,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub(super) enum ApiError {
    InvalidRequest(String),
    InvalidMetadata(Vec<FailedCheck>),
    InvalidOptions(Vec<FailedCheck>),
    MissingFile,
    NotFound,
    JobNotFound,
    MethodNotAllowed,
    RequestTimeout,
    FileTooLarge {
        size: Option<u64>,
        limit: u64,
    },
    UnsupportedMediaType(String),
    UnsupportedFormat(String),
    InvalidAudio(String),
    AudioTooLong {
        limit_seconds: f64,
    },
    AudioEmpty,
    ResultNotReady {
        job: Box<Value>,
        retry_after_seconds: u64,
    },
    JobFailed(Failure),
    QueueFull {
        max_queued: usize,
    },
    StorageFull,
    ShuttingDown,
    UpgradeRequired,
    /// The cause goes to the log only.
    Internal(String),
}

impl ApiError {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest(_) | Self::UpgradeRequired => (StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
            Self::InvalidMetadata(_) => (StatusCode::BAD_REQUEST, "INVALID_METADATA"),
            Self::InvalidOptions(_) => (StatusCode::BAD_REQUEST, "INVALID_OPTIONS"),
            Self::MissingFile => (StatusCode::BAD_REQUEST, "MISSING_FILE"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::JobNotFound => (StatusCode::NOT_FOUND, "JOB_NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
            Self::FileTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            Self::UnsupportedFormat(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_FORMAT"),
            Self::InvalidAudio(_) => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID_AUDIO"),
            Self::AudioTooLong { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "AUDIO_TOO_LONG"),
            Self::AudioEmpty => (StatusCode::UNPROCESSABLE_ENTITY, "AUDIO_EMPTY"),
            Self::ResultNotReady { .. } => (StatusCode::CONFLICT, "RESULT_NOT_READY"),
            Self::JobFailed(_) => (StatusCode::CONFLICT, "JOB_FAILED"),
            Self::QueueFull { .. } => (StatusCode::SERVICE_UNAVAILABLE, "QUEUE_FULL"),
            Self::StorageFull => (StatusCode::SERVICE_UNAVAILABLE, "STORAGE_FULL"),
            Self::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "SHUTTING_DOWN"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        }
    }

    /// For people, and for developers.
    fn messages(&self) -> (String, String) {
        let same = |text: &str| (text.to_owned(), text.to_owned());
        match self {
            Self::InvalidRequest(reason) => ("The request cannot be understood".to_owned(), reason.clone()),
            Self::InvalidMetadata(checks) => ("The metadata is not valid".to_owned(), summary(checks)),
            Self::InvalidOptions(checks) => ("The options are not valid".to_owned(), summary(checks)),
            Self::MissingFile => (
                "The request holds no recording".to_owned(),
                "send the recording as the part `file` of multipart/form-data".to_owned(),
            ),
            Self::NotFound => same("There is nothing at this address"),
            Self::JobNotFound => same("There is no such job"),
            Self::MethodNotAllowed => same("This method cannot be used at this address"),
            Self::RequestTimeout => (
                "The request took too long to arrive".to_owned(),
                "no bytes arrived within server.idle_timeout_seconds".to_owned(),
            ),
            Self::FileTooLarge { limit, .. } => (
                format!("The recording is larger than allowed ({})", body::human_bytes(*limit)),
                "the file part is larger than files.max_size".to_owned(),
            ),
            Self::UnsupportedMediaType(found) => {
                ("The request has the wrong content type".to_owned(), format!("expected multipart/form-data, got {found}"))
            }
            Self::UnsupportedFormat(reason) => ("The recording's format is not supported".to_owned(), reason.clone()),
            Self::InvalidAudio(reason) => ("The file is not a usable recording".to_owned(), reason.clone()),
            Self::AudioTooLong { limit_seconds } => (
                "The recording is longer than allowed".to_owned(),
                format!("the limit is {limit_seconds} seconds (files.max_duration_seconds)"),
            ),
            Self::AudioEmpty => ("The recording is empty".to_owned(), "the file holds no audio samples".to_owned()),
            Self::ResultNotReady { .. } => (
                "The result is not ready yet".to_owned(),
                "ask again after Retry-After seconds, or watch websocket_url".to_owned(),
            ),
            Self::JobFailed(failure) => ("The job failed, so there is no result".to_owned(), failure.message.clone()),
            Self::QueueFull { max_queued } => (
                "The queue is full, try again later".to_owned(),
                format!("{max_queued} recordings wait already (queue.max_length)"),
            ),
            Self::StorageFull => ("There is no room for the recording".to_owned(), "the volume is full".to_owned()),
            Self::ShuttingDown => same("The server is stopping"),
            Self::UpgradeRequired => {
                ("This address speaks WebSocket only".to_owned(), "send a WebSocket upgrade request (RFC 6455)".to_owned())
            }
            Self::Internal(_) => {
                ("The server failed".to_owned(), "the cause is in the server's log under this request id".to_owned())
            }
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::InvalidMetadata(checks) | Self::InvalidOptions(checks) => json!({ "checks_failed": checks }),
            Self::FileTooLarge { size: Some(size), limit } => json!({ "file_size": size, "max_allowed": limit }),
            Self::FileTooLarge { size: None, limit } => json!({ "max_allowed": limit }),
            Self::AudioTooLong { limit_seconds } => json!({ "max_allowed_seconds": limit_seconds }),
            Self::ResultNotReady { job, .. } => (**job).clone(),
            Self::JobFailed(failure) => body::failure(failure),
            Self::QueueFull { max_queued } => json!({ "max_allowed": max_queued }),
            Self::UnsupportedFormat(_) => json!({ "supported_formats": body::SUPPORTED_FORMATS }),
            Self::InvalidRequest(_)
            | Self::MissingFile
            | Self::NotFound
            | Self::JobNotFound
            | Self::MethodNotAllowed
            | Self::RequestTimeout
            | Self::UnsupportedMediaType(_)
            | Self::InvalidAudio(_)
            | Self::AudioEmpty
            | Self::StorageFull
            | Self::ShuttingDown
            | Self::UpgradeRequired
            | Self::Internal(_) => json!({}),
        }
    }

    /// Seconds after which the same request may succeed.
    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::ResultNotReady { retry_after_seconds, .. } => Some(*retry_after_seconds),
            Self::QueueFull { .. } => Some(30),
            Self::StorageFull => Some(60),
            Self::ShuttingDown | Self::RequestTimeout => Some(5),
            Self::InvalidRequest(_)
            | Self::InvalidMetadata(_)
            | Self::InvalidOptions(_)
            | Self::MissingFile
            | Self::NotFound
            | Self::JobNotFound
            | Self::MethodNotAllowed
            | Self::FileTooLarge { .. }
            | Self::UnsupportedMediaType(_)
            | Self::UnsupportedFormat(_)
            | Self::InvalidAudio(_)
            | Self::AudioTooLong { .. }
            | Self::AudioEmpty
            | Self::JobFailed(_)
            | Self::UpgradeRequired
            | Self::Internal(_) => None,
        }
    }

    /// What the log has to tell and the client must not read.
    pub(super) fn hidden_cause(&self) -> Option<&str> {
        if let Self::Internal(cause) = self { Some(cause) } else { None }
    }

    /// The published envelope.
    pub(super) fn envelope(&self, now: DateTime<Utc>, request_id: &str) -> Value {
        let (_, code) = self.status_and_code();
        let (message, developer_message) = self.messages();
        json!({ "error": {
            "code": code,
            "message": message,
            "developer_message": developer_message,
            "details": self.details(),
            "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "request_id": request_id,
            "retryable": self.retry_after_seconds().is_some(),
            "help_url": format!("/docs/errors#{}", code.to_lowercase()),
        }})
    }
}

fn summary(checks: &[FailedCheck]) -> String {
    checks.iter().map(|check| format!("{}: {}", check.field, check.message)).collect::<Vec<_>>().join("; ")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, _) = self.status_and_code();
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

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

impl ApiError {
    /// There is no result of a job that waits or runs.
    pub(super) fn result_not_ready(job: &Job, seconds_left: f64) -> Self {
        let mut details = json!({ "status": job.state.name(), "progress": body::progress(job, None) });
        if let Some(object) = details.as_object_mut() {
            object.insert("job_id".to_owned(), json!(job.id.to_string()));
        }
        Self::ResultNotReady { job: Box::new(details), retry_after_seconds: (seconds_left.ceil() as u64).clamp(1, 60) }
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
            DecodeError::Stopped(_) => Self::ShuttingDown,
        }
    }
}
