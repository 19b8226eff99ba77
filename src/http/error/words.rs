//! What an error says: to people in their language, to developers in English.

use super::{ApiError, FailedCheck};
use crate::access::Scope;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};
use crate::messages::{Argument, Arguments, Language};

/// Why a job failed, for people. What stands in the failure itself is for developers.
pub(crate) fn failure_message(failure: &Failure, language: Language) -> String {
    let key = match failure.code {
        FailureCode::ProcessingFailed => "failure-processing-failed",
        FailureCode::InvalidAudio => "failure-invalid-audio",
        FailureCode::UnsupportedFormat => "failure-unsupported-format",
        FailureCode::AudioTooLong => "failure-audio-too-long",
        FailureCode::AudioEmpty => "failure-audio-empty",
        FailureCode::FileTooLarge => "failure-file-too-large",
        FailureCode::InvalidMetadata => "failure-invalid-metadata",
        FailureCode::InvalidOptions => "failure-invalid-options",
        FailureCode::ModelUnavailable => "failure-model-unavailable",
        FailureCode::Timeout => "failure-timeout",
        FailureCode::CrashedRepeatedly => "failure-crashed-repeatedly",
        FailureCode::InternalError => "failure-internal-error",
    };
    let stage = failure.stage.map_or("none", Stage::name);
    language.say(key, &[("stage", Argument::Text(stage.to_owned()))])
}

impl ApiError {
    /// For people.
    pub(crate) fn message(&self, language: Language) -> String {
        language.say(&self.code().message_key(), &self.arguments())
    }

    /// The values that the message speaks of.
    fn arguments(&self) -> Arguments {
        match self {
            Self::FileTooLarge { limit, .. } | Self::RequestTooLarge { limit } => {
                vec![("max_allowed", Argument::Bytes(*limit))]
            }
            Self::RangeNotSatisfiable { size } => vec![("size", Argument::Bytes(*size))],
            Self::AudioTooLong { limit_seconds } => vec![("max_allowed", Argument::Seconds(*limit_seconds))],
            Self::RateLimited { retry_after_seconds, .. } => {
                vec![("retry_after", Argument::Seconds(*retry_after_seconds as f64))]
            }
            Self::QueueFull { max_queued } => vec![("number", Argument::Count(*max_queued as u64))],
            Self::ModelUnavailable { stage, .. } => vec![("stage", Argument::Text(stage.name().to_owned()))],
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
            | Self::RequestTimeout
            | Self::ResultNotReady { .. }
            | Self::JobFailed(_)
            | Self::JobCancelled
            | Self::JobFinished { .. }
            | Self::IdempotencyKeyReused
            | Self::ResultArchived
            | Self::UnsupportedFormat(_)
            | Self::UnsupportedMediaType { .. }
            | Self::InvalidAudio(_)
            | Self::AudioEmpty
            | Self::Internal(_)
            | Self::StorageFull
            | Self::ShuttingDown => vec![],
        }
    }

    /// For developers.
    pub(super) fn developer_message(&self) -> String {
        match self {
            Self::InvalidRequest(reason)
            | Self::InvalidJson(reason)
            | Self::UnsupportedFormat(reason)
            | Self::InvalidAudio(reason) => reason.clone(),
            Self::UpgradeRequired => "this address speaks WebSocket only: send an upgrade request (RFC 6455)".to_owned(),
            Self::InvalidMetadata(checks) | Self::InvalidOptions(checks) | Self::InvalidQuery(checks) => {
                checks.iter().map(FailedCheck::developer_message).collect::<Vec<_>>().join("; ")
            }
            Self::MissingFile => "send the recording as the part `file` of multipart/form-data".to_owned(),
            Self::Unauthorized => "send a valid key as `Authorization: Bearer` or `X-API-Key`".to_owned(),
            Self::Forbidden { scope } => format!("the key lacks the scope `{}`", scope_name(*scope)),
            Self::OriginNotAllowed => "the Origin is neither this server's nor in server.cors_origins".to_owned(),
            Self::JobNotFound => "there is no such job, or not any more".to_owned(),
            Self::FileNotFound => "there is no such file lying directly in incoming/".to_owned(),
            Self::NotFound => "there is nothing at this address".to_owned(),
            Self::MethodNotAllowed => "the methods that can be used here are in `Allow`".to_owned(),
            Self::RequestTimeout => "no bytes, or too few, arrived within server.idle_timeout_seconds".to_owned(),
            Self::ResultNotReady { .. } => "ask again after Retry-After seconds, or watch websocket_url".to_owned(),
            Self::JobFailed(failure) => failure.message.clone(),
            Self::JobCancelled => "the job was cancelled before it had a result; a retry queues it again".to_owned(),
            Self::JobFinished { status } => format!("the job is {status} already"),
            Self::IdempotencyKeyReused => "this Idempotency-Key came with another body before; take a new one".to_owned(),
            Self::ResultArchived => "the result and the recording were removed by retention".to_owned(),
            Self::FileTooLarge { .. } => "the file part is larger than files.max_size".to_owned(),
            Self::RequestTooLarge { limit } => format!("the body is larger than {limit} bytes"),
            Self::UnsupportedMediaType { expected, found } => format!("expected {expected}, got {found}"),
            Self::RangeNotSatisfiable { size } => format!("the recording has {size} bytes"),
            Self::AudioTooLong { limit_seconds } => {
                format!("the limit is {limit_seconds} seconds (files.max_duration_seconds)")
            }
            Self::AudioEmpty => "the file holds no audio samples".to_owned(),
            Self::RateLimited { limit, .. } => format!("the budget of {limit} requests is used up"),
            Self::Internal(_) => "the cause is in the server's log under this request id".to_owned(),
            Self::QueueFull { max_queued } => format!("{max_queued} recordings wait already (queue.max_length)"),
            Self::StorageFull => "the volume is full".to_owned(),
            Self::ShuttingDown => "the server is stopping".to_owned(),
            Self::ModelUnavailable { stage, reason } => format!("{}: {reason}", stage.name()),
        }
    }
}

/// The published name of a scope.
pub(super) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}
