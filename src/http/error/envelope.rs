//! The published form of an error, and how it is written into a response.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::ApiError;
use super::body::{ErrorBody, ErrorEnvelope, FailedCheckBody};
use super::words::{failure_message, scope_name};
use crate::audio::SUPPORTED_FORMATS;
use crate::http::language;
use crate::jobs::stage::Stage;
use crate::messages::Language;

impl ApiError {
    /// The error itself: what stands in the envelope, and in the `error` messages of a WebSocket.
    pub(crate) fn object(&self, language: Language, now: DateTime<Utc>, request_id: &str) -> ErrorBody {
        let code = self.code().name();
        ErrorBody {
            code,
            message: self.message(language),
            developer_message: self.developer_message(),
            details: self.details(language),
            timestamp: now,
            request_id: request_id.to_owned(),
            retryable: self.retry_after_seconds().is_some(),
            help_url: format!("/docs/errors#{}", code.to_ascii_lowercase()),
        }
    }

    /// Makes a response carry this error to a person who reads this language.
    pub(crate) fn write(&self, response: &mut Response, language: Language, now: DateTime<Utc>, request_id: &str) {
        let envelope = ErrorEnvelope { error: self.object(language, now, request_id) };
        let text = serde_json::to_string(&envelope).expect("an error has string keys and finite numbers, so it is always JSON");
        *response.body_mut() = Body::from(text);
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        language::mark(headers, language);
    }

    fn details(&self, language: Language) -> Value {
        match self {
            Self::InvalidMetadata(checks) | Self::InvalidOptions(checks) | Self::InvalidQuery(checks) => {
                let published: Vec<FailedCheckBody> = checks.iter().map(|check| FailedCheckBody::new(check, language)).collect();
                json!({ "checks_failed": published })
            }
            Self::Forbidden { scope } => json!({ "required_scope": scope_name(*scope) }),
            Self::ResultNotReady { job, .. } => (**job).clone(),
            Self::JobFailed(failure) => json!({
                "code": failure.code.name(),
                "message": failure_message(failure, language),
                "stage": failure.stage.map(Stage::name),
            }),
            Self::JobFinished { status } => json!({ "status": status }),
            Self::FileTooLarge { size: Some(size), limit } => json!({ "file_size": size, "max_allowed": limit }),
            Self::FileTooLarge { size: None, limit } | Self::RequestTooLarge { limit } => json!({ "max_allowed": limit }),
            Self::UnsupportedFormat(_) => json!({ "supported_formats": SUPPORTED_FORMATS }),
            Self::UnsupportedMediaType { expected, .. } => json!({ "expected": expected }),
            Self::RangeNotSatisfiable { size } => json!({ "size": size }),
            Self::AudioTooLong { limit_seconds } => json!({ "max_allowed_seconds": limit_seconds }),
            Self::RateLimited { limit, retry_after_seconds } => {
                json!({ "limit": limit, "retry_after_seconds": retry_after_seconds })
            }
            Self::QueueFull { max_queued } => json!({ "max_allowed": max_queued }),
            Self::ModelUnavailable { stage, reason } => json!({ "stage": stage.name(), "reason": reason }),
            Self::InvalidRequest(_)
            | Self::UpgradeRequired
            | Self::InvalidJson(_)
            | Self::MissingFile
            | Self::Unauthorized
            | Self::OriginNotAllowed
            | Self::JobNotFound
            | Self::FileNotFound
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::RequestTimeout
            | Self::JobCancelled
            | Self::IdempotencyKeyReused
            | Self::ResultArchived
            | Self::InvalidAudio(_)
            | Self::AudioEmpty
            | Self::Internal(_)
            | Self::StorageFull
            | Self::ShuttingDown => json!({}),
        }
    }
}
