//! Everything that can go wrong with a request, and the one place where a status and a code are chosen.
//!
//! An [`ApiError`] becomes a response without a body; the outermost layer knows the request's id and
//! language and writes the envelope. Turning an error into a response therefore has no side effect, and no error escapes the
//! envelope. Over a WebSocket [`ApiError::object`] is the same error.

mod body;
mod codes;
mod envelope;
mod samples;
#[cfg(test)]
mod tests;
mod words;

use axum::http::header::{CONTENT_RANGE, RETRY_AFTER, SEC_WEBSOCKET_VERSION, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::access::Scope;
pub(crate) use crate::intake::checks::{FailedCheck, Mistake, shown};
use crate::jobs::Failure;
use crate::jobs::stage::Stage;
pub(crate) use body::{ErrorBody, ErrorEnvelope, FailedCheckBody};
pub(crate) use codes::Code;
pub(crate) use words::failure_message;

/// What went wrong.
#[derive(Debug, Clone)]
pub(crate) enum ApiError {
    /// With the reason, for developers; as all texts here unless they say otherwise.
    InvalidRequest(String),
    UpgradeRequired,
    InvalidJson(String),
    MissingFile,
    /// With the failed checks of the options after those of the metadata.
    InvalidMetadata(Vec<FailedCheck>),
    InvalidOptions(Vec<FailedCheck>),
    InvalidQuery(Vec<FailedCheck>),
    Unauthorized,
    Forbidden {
        scope: Scope,
    },
    /// A web page that may not.
    OriginNotAllowed,
    JobNotFound,
    FileNotFound,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    ResultNotReady {
        job: Box<Value>,
        retry_after_seconds: u64,
    },
    JobFailed(Failure),
    JobCancelled,
    JobFinished {
        status: &'static str,
    },
    IdempotencyKeyReused,
    ResultArchived,
    FileTooLarge {
        size: Option<u64>,
        limit: u64,
    },
    /// A body that is no recording.
    RequestTooLarge {
        limit: u64,
    },
    UnsupportedFormat(String),
    UnsupportedMediaType {
        expected: &'static str,
        found: String,
    },
    RangeNotSatisfiable {
        size: u64,
    },
    InvalidAudio(String),
    AudioTooLong {
        limit_seconds: f64,
    },
    AudioEmpty,
    RateLimited {
        limit: u64,
        retry_after_seconds: u64,
    },
    /// The cause goes to the log only.
    Internal(String),
    QueueFull {
        max_queued: usize,
    },
    StorageFull,
    ShuttingDown,
    ModelUnavailable {
        stage: Stage,
        reason: String,
    },
}

impl ApiError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::InvalidRequest(_) | Self::UpgradeRequired => Code::InvalidRequest,
            Self::InvalidJson(_) => Code::InvalidJson,
            Self::MissingFile => Code::MissingFile,
            Self::InvalidMetadata(_) => Code::InvalidMetadata,
            Self::InvalidOptions(_) => Code::InvalidOptions,
            Self::InvalidQuery(_) => Code::InvalidQuery,
            Self::Unauthorized => Code::Unauthorized,
            Self::Forbidden { .. } | Self::OriginNotAllowed => Code::Forbidden,
            Self::JobNotFound => Code::JobNotFound,
            Self::FileNotFound => Code::FileNotFound,
            Self::NotFound => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::RequestTimeout => Code::RequestTimeout,
            Self::ResultNotReady { .. } => Code::ResultNotReady,
            Self::JobFailed(_) => Code::JobFailed,
            Self::JobCancelled => Code::JobCancelled,
            Self::JobFinished { .. } => Code::JobFinished,
            Self::IdempotencyKeyReused => Code::IdempotencyKeyReused,
            Self::ResultArchived => Code::ResultArchived,
            Self::FileTooLarge { .. } => Code::FileTooLarge,
            Self::RequestTooLarge { .. } => Code::RequestTooLarge,
            Self::UnsupportedFormat(_) => Code::UnsupportedFormat,
            Self::UnsupportedMediaType { .. } => Code::UnsupportedMediaType,
            Self::RangeNotSatisfiable { .. } => Code::RangeNotSatisfiable,
            Self::InvalidAudio(_) => Code::InvalidAudio,
            Self::AudioTooLong { .. } => Code::AudioTooLong,
            Self::AudioEmpty => Code::AudioEmpty,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Internal(_) => Code::InternalError,
            Self::QueueFull { .. } => Code::QueueFull,
            Self::StorageFull => Code::StorageFull,
            Self::ShuttingDown => Code::ShuttingDown,
            Self::ModelUnavailable { .. } => Code::ModelUnavailable,
        }
    }

    /// Seconds after which the same request may succeed, where time alone can help.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::ResultNotReady { retry_after_seconds, .. } | Self::RateLimited { retry_after_seconds, .. } => {
                Some(*retry_after_seconds)
            }
            Self::QueueFull { .. } => Some(30),
            // Somebody has to make room, or to install a model.
            Self::StorageFull | Self::ModelUnavailable { .. } => Some(60),
            Self::ShuttingDown | Self::RequestTimeout => Some(5),
            Self::InvalidRequest(_)
            | Self::UpgradeRequired
            | Self::InvalidJson(_)
            | Self::MissingFile
            | Self::InvalidMetadata(_)
            | Self::InvalidOptions(_)
            | Self::InvalidQuery(_)
            | Self::Unauthorized
            | Self::Forbidden { .. }
            | Self::OriginNotAllowed
            | Self::JobNotFound
            | Self::FileNotFound
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::JobFailed(_)
            | Self::JobCancelled
            | Self::JobFinished { .. }
            | Self::IdempotencyKeyReused
            | Self::ResultArchived
            | Self::FileTooLarge { .. }
            | Self::RequestTooLarge { .. }
            | Self::UnsupportedFormat(_)
            | Self::UnsupportedMediaType { .. }
            | Self::RangeNotSatisfiable { .. }
            | Self::InvalidAudio(_)
            | Self::AudioTooLong { .. }
            | Self::AudioEmpty
            | Self::Internal(_) => None,
        }
    }

    /// What the log has to tell and the client must not read.
    pub(crate) fn hidden_cause(&self) -> Option<&str> {
        if let Self::Internal(cause) = self { Some(cause) } else { None }
    }

    /// The header that belongs to this error beside `Retry-After`.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        if let Self::Unauthorized = self {
            return Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Self::UpgradeRequired = self {
            // RFC 6455, section 4.4: the version that would do.
            return Some((SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
        }
        let Self::RangeNotSatisfiable { size } = self else { return None };
        HeaderValue::try_from(format!("bytes */{size}")).ok().map(|value| (CONTENT_RANGE, value))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}
