//! The stable codes of refused requests, and the status of each: the one place where a status is chosen for an error.
//!
//! `docs/errors.md` is tested against this table, and so are the message catalogues.

use axum::http::StatusCode;

/// What went wrong, as clients tell it apart. A code is never renamed and never gets another status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The request cannot be understood.
    InvalidRequest,
    /// The body or message is not JSON, or not of the form that is expected.
    InvalidJson,
    /// There is no recording.
    MissingFile,
    /// The metadata is not valid.
    InvalidMetadata,
    /// The options are not valid.
    InvalidOptions,
    /// The parameters in the address are not valid.
    InvalidQuery,
    /// There is no valid key.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// There is no such job.
    JobNotFound,
    /// There is no such file in `incoming/`.
    FileNotFound,
    /// Nothing is at this address.
    NotFound,
    /// The address takes other methods.
    MethodNotAllowed,
    /// The client sends too slowly.
    RequestTimeout,
    /// The job waits or runs.
    ResultNotReady,
    /// The job failed.
    JobFailed,
    /// The job was cancelled.
    JobCancelled,
    /// The job is over, so this cannot be done any more.
    JobFinished,
    /// The key stands for another request.
    IdempotencyKeyReused,
    /// The result and the recording were removed.
    ResultArchived,
    /// The recording is too large.
    FileTooLarge,
    /// A body that is no recording is too large.
    RequestTooLarge,
    /// The container or the codec is not supported.
    UnsupportedFormat,
    /// The body has the wrong content type.
    UnsupportedMediaType,
    /// The range lies outside of the recording.
    RangeNotSatisfiable,
    /// The recording is broken.
    InvalidAudio,
    /// The recording is too long.
    AudioTooLong,
    /// The recording holds no sound.
    AudioEmpty,
    /// There were too many requests.
    RateLimited,
    /// The server failed.
    InternalError,
    /// Too many recordings wait.
    QueueFull,
    /// The volume is full.
    StorageFull,
    /// The server is stopping.
    ShuttingDown,
    /// A stage that was asked for lacks its model.
    ModelUnavailable,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub(crate) const ALL: [Self; 33] = [
        Self::InvalidRequest,
        Self::InvalidJson,
        Self::MissingFile,
        Self::InvalidMetadata,
        Self::InvalidOptions,
        Self::InvalidQuery,
        Self::Unauthorized,
        Self::Forbidden,
        Self::JobNotFound,
        Self::FileNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::ResultNotReady,
        Self::JobFailed,
        Self::JobCancelled,
        Self::JobFinished,
        Self::IdempotencyKeyReused,
        Self::ResultArchived,
        Self::FileTooLarge,
        Self::RequestTooLarge,
        Self::UnsupportedFormat,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::InvalidAudio,
        Self::AudioTooLong,
        Self::AudioEmpty,
        Self::RateLimited,
        Self::InternalError,
        Self::QueueFull,
        Self::StorageFull,
        Self::ShuttingDown,
        Self::ModelUnavailable,
    ];

    /// The published code.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::InvalidJson => "INVALID_JSON",
            Self::MissingFile => "MISSING_FILE",
            Self::InvalidMetadata => "INVALID_METADATA",
            Self::InvalidOptions => "INVALID_OPTIONS",
            Self::InvalidQuery => "INVALID_QUERY",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::JobNotFound => "JOB_NOT_FOUND",
            Self::FileNotFound => "FILE_NOT_FOUND",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::ResultNotReady => "RESULT_NOT_READY",
            Self::JobFailed => "JOB_FAILED",
            Self::JobCancelled => "JOB_CANCELLED",
            Self::JobFinished => "JOB_FINISHED",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::ResultArchived => "RESULT_ARCHIVED",
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::RequestTooLarge => "REQUEST_TOO_LARGE",
            Self::UnsupportedFormat => "UNSUPPORTED_FORMAT",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RangeNotSatisfiable => "RANGE_NOT_SATISFIABLE",
            Self::InvalidAudio => "INVALID_AUDIO",
            Self::AudioTooLong => "AUDIO_TOO_LONG",
            Self::AudioEmpty => "AUDIO_EMPTY",
            Self::RateLimited => "RATE_LIMITED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::QueueFull => "QUEUE_FULL",
            Self::StorageFull => "STORAGE_FULL",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::ModelUnavailable => "MODEL_UNAVAILABLE",
        }
    }

    /// The status that goes with it.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::InvalidJson
            | Self::MissingFile
            | Self::InvalidMetadata
            | Self::InvalidOptions
            | Self::InvalidQuery => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::JobNotFound | Self::FileNotFound | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::ResultNotReady | Self::JobFailed | Self::JobCancelled | Self::JobFinished | Self::IdempotencyKeyReused => {
                StatusCode::CONFLICT
            }
            Self::ResultArchived => StatusCode::GONE,
            Self::FileTooLarge | Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedFormat | Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::InvalidAudio | Self::AudioTooLong | Self::AudioEmpty => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::QueueFull | Self::StorageFull | Self::ShuttingDown | Self::ModelUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The name of its message in the catalogues.
    pub(super) fn message_key(self) -> String {
        format!("error-{}", self.name().to_ascii_lowercase().replace('_', "-"))
    }
}
