//! Every error of the API, each defined once: its code, status, report and documentation. This is the only place where a
//! status is chosen for an error.
//!
//! The columns are explained in `define`. `docs/errors.md`, OpenAPI, the examples and the tests follow from the rows; the words
//! for people are in the message files.

use axum::http::header::{CONTENT_RANGE, SEC_WEBSOCKET_VERSION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use super::define::{self, Account, errors};
use crate::access::Scope;
use crate::checks::{Checks, Mistake};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};
use crate::media::Format;
use crate::messages::{Argument, key};
use crate::tables;

errors! {
    /// The request cannot be understood: a broken multipart body, no WebSocket upgrade where one is needed, an address over
    /// 8 KiB, headers over 32 KiB.
    InvalidRequest(reason: String) = BAD_REQUEST {
        account: Account::new(reason),
        example: ApiError::InvalidRequest("malformed multipart/form-data: incomplete stream".to_owned()),
        remedy: "Repair the request.",
    }
    /// The JSON body, or a WebSocket message, is not JSON, is nested too deep, or does not have the expected form.
    InvalidJson(reason: String) = BAD_REQUEST {
        account: Account::new(reason),
        example: ApiError::InvalidJson("expected value at line 1 column 1".to_owned()),
        remedy: "See `developer_message` for the place.",
    }
    /// There is no part `file`.
    MissingFile = BAD_REQUEST {
        account: Account::new("send the recording as the part `file` of multipart/form-data"),
        remedy: "Send the recording as `file`.",
    }
    /// The metadata is not valid.
    InvalidMetadata(checks: Checks) = BAD_REQUEST {
        account: Account::of_checks(checks),
        example: ApiError::InvalidMetadata(failed("metadata.priority", Mistake::OutOfRange { min: 1, max: 10, found: "11".to_owned() })),
        remedy: "See `details.checks_failed`.",
    }
    /// The options are not valid.
    InvalidOptions(checks: Checks) = BAD_REQUEST {
        account: Account::of_checks(checks),
        example: ApiError::InvalidOptions(failed(
            "options.channels",
            Mistake::NotOneOf { allowed: vec!["auto", "mix", "split"], found: "\"left\"".to_owned() },
        )),
        remedy: "See `details.checks_failed`.",
    }
    /// The parameters in the address are not valid.
    InvalidQuery(checks: Checks) = BAD_REQUEST {
        account: Account::of_checks(checks),
        example: ApiError::InvalidQuery(failed("query.limit", Mistake::OutOfRange { min: 1, max: 100, found: "\"0\"".to_owned() })),
        remedy: "See `details.checks_failed`.",
    }
    /// Keys are required, and the request has none or no valid one; with `WWW-Authenticate`.
    Unauthorized = UNAUTHORIZED {
        account: Account::new("send a valid key as `Authorization: Bearer` or `X-API-Key`")
            .header(WWW_AUTHENTICATE, Some(HeaderValue::from_static("Bearer"))),
        remedy: "Send a valid key.",
    }
    /// The key lacks the scope in `details.required_scope`; or a web page of an origin that is not in `server.cors_origins`
    /// wants to change something or to open a WebSocket.
    Forbidden { scope: Scope } = FORBIDDEN {
        account: Account::new(format!("the key lacks the scope `{}`", scope.name()))
            .details(json!({ "required_scope": scope.name() })),
        example: ApiError::Forbidden { scope: Scope::Write },
        remedy: "Use another key; let the operator list the origin.",
    }
    /// There is no such job, it no longer exists, or it belongs to another key.
    JobNotFound = NOT_FOUND {
        account: Account::new("there is no such job, or not any more"),
        remedy: "Check the id.",
    }
    /// There is no such file directly in `incoming/`.
    FileNotFound = NOT_FOUND {
        account: Account::new("there is no such file lying directly in incoming/"),
        remedy: "Check the name.",
    }
    /// There is nothing at this address.
    NotFound = NOT_FOUND {
        account: Account::new("there is nothing at this address"),
        remedy: "Check the address.",
    }
    /// The address takes other methods.
    MethodNotAllowed = METHOD_NOT_ALLOWED {
        account: Account::new("the methods that can be used here are in `Allow`"),
        remedy: "See `Allow`.",
    }
    /// No bytes, or too few, came within `server.idle_timeout_seconds`.
    RequestTimeout = REQUEST_TIMEOUT {
        account: Account::new("no bytes, or too few, arrived within server.idle_timeout_seconds").retry_after(5),
        remedy: "Send it again.",
    }
    /// The job is waiting or running; `details` has its status and progress.
    ResultNotReady { job: Box<Value>, retry_after_seconds: u64 } = CONFLICT {
        account: Account::new("ask again after Retry-After seconds, or watch websocket_url")
            .retry_after(*retry_after_seconds)
            .details((**job).clone()),
        example: ApiError::ResultNotReady {
            job: Box::new(json!({ "status": "processing", "progress": { "percentage": 45, "current_stage": "diarization" } })),
            retry_after_seconds: 7,
        },
        remedy: "Ask again after `Retry-After`.",
    }
    /// The job failed, there is no result; `details` has the cause.
    JobFailed(failure: Failure) = CONFLICT {
        account: Account::of_failure(failure),
        example: ApiError::JobFailed(Failure {
            code: FailureCode::ProcessingFailed,
            message: "the model failed".to_owned(),
            stage: Some(Stage::Diarization),
        }),
        remedy: "See the codes of jobs.",
    }
    /// The job was cancelled, there is no result.
    JobCancelled = CONFLICT {
        account: Account::new("the job was cancelled before it had a result; a retry queues it again"),
        remedy: "Retry the job, or send the recording again.",
    }
    /// The job has ended (`details.status`), so this can no longer be done.
    JobFinished { status: &'static str } = CONFLICT {
        account: Account::new(format!("the job is {status} already")).details(json!({ "status": status })),
        example: ApiError::JobFinished { status: "completed" },
        remedy: "Nothing.",
    }
    /// The `Idempotency-Key` came with another body before.
    IdempotencyKeyReused = CONFLICT {
        account: Account::new("this Idempotency-Key came with another body before; take a new one"),
        remedy: "Take a new key for a new request.",
    }
    /// The result and the recording were removed by retention.
    ResultArchived = GONE {
        account: Account::new("the result and the recording were removed by retention"),
        remedy: "Nothing; keep results in time.",
    }
    /// The recording is larger than `files.max_size`.
    FileTooLarge { size: Option<u64>, limit: u64 } = PAYLOAD_TOO_LARGE {
        account: Account::new("the file part is larger than files.max_size")
            .details(size.map_or_else(
                || json!({ "max_allowed": limit }),
                |size| json!({ "file_size": size, "max_allowed": limit }),
            ))
            .argument("max_allowed", Argument::Bytes(*limit)),
        example: ApiError::FileTooLarge { size: Some(1_073_741_825), limit: 1_073_741_824 },
        remedy: "Send a smaller file, for example Opus or FLAC.",
    }
    /// A body that is not a recording is larger than `details.max_allowed` bytes.
    RequestTooLarge { limit: u64 } = PAYLOAD_TOO_LARGE {
        account: Account::new(format!("the body is larger than {limit} bytes"))
            .details(json!({ "max_allowed": limit }))
            .argument("max_allowed", Argument::Bytes(*limit)),
        example: ApiError::RequestTooLarge { limit: 65_536 },
        remedy: "Send less.",
    }
    /// The container or codec is not supported, or the file is not a recording; decided by content.
    UnsupportedFormat(reason: String) = UNSUPPORTED_MEDIA_TYPE {
        account: Account::new(reason).details(json!({ "supported_formats": Format::supported() })),
        example: ApiError::UnsupportedFormat("no known container".to_owned()),
        remedy: "Convert the recording, for example with `ffmpeg -i call.amr call.wav`; samples without a header need a media type or a name that says what they are (`docs/audio.md`).",
    }
    /// The body has another content type than `details.expected`.
    UnsupportedMediaType { expected: &'static str, found: String } = UNSUPPORTED_MEDIA_TYPE {
        account: Account::new(format!("expected {expected}, got {found}")).details(json!({ "expected": expected })),
        example: ApiError::UnsupportedMediaType { expected: "multipart/form-data", found: "text/plain".to_owned() },
        remedy: "Set the content type.",
    }
    /// The range lies outside of the recording; `Content-Range` has its size.
    RangeNotSatisfiable { size: u64 } = RANGE_NOT_SATISFIABLE {
        account: Account::new(format!("the recording has {size} bytes"))
            .details(json!({ "size": size }))
            .argument("size", Argument::Bytes(*size))
            .header(CONTENT_RANGE, HeaderValue::try_from(format!("bytes */{size}")).ok()),
        example: ApiError::RangeNotSatisfiable { size: 1_048_576 },
        remedy: "Ask for a part that is there.",
    }
    /// The file is broken, has too many channels, or does not contain the audio that its headerless media type claims.
    InvalidAudio(reason: String) = UNPROCESSABLE_ENTITY {
        account: Account::new(reason),
        example: ApiError::InvalidAudio("no audio track with a known codec".to_owned()),
        remedy: "Check the recording, and the media type of samples without a header.",
    }
    /// The recording is longer than `files.max_duration_seconds`.
    AudioTooLong { limit_seconds: f64 } = UNPROCESSABLE_ENTITY {
        account: Account::new(format!("the limit is {limit_seconds} seconds (files.max_duration_seconds)"))
            .details(json!({ "max_allowed_seconds": limit_seconds }))
            .argument("max_allowed", Argument::Seconds(*limit_seconds)),
        example: ApiError::AudioTooLong { limit_seconds: 14_400.0 },
        remedy: "Send it in parts.",
    }
    /// The file contains no audio.
    AudioEmpty = UNPROCESSABLE_ENTITY {
        account: Account::new("the file holds no audio samples"),
        remedy: "Check the recording.",
    }
    /// The request is for a host that is none of this server's names (`details.host`).
    HostNotAllowed { host: String } = MISDIRECTED_REQUEST {
        account: Account::new(format!("this server does not answer as `{host}`: list the name in server.allowed_hosts"))
            .details(json!({ "host": host })),
        example: ApiError::HostNotAllowed { host: "calls.example.org".to_owned() },
        remedy: "Use the address; let the operator list the name.",
    }
    /// There were too many requests, or the client has too much going on at once: connections in use
    /// (`server.max_connections_per_client`), or places in the queue (`queue.client_share`). `details` has `limit` and
    /// `retry_after_seconds`.
    RateLimited { limit: u64, retry_after_seconds: u64 } = TOO_MANY_REQUESTS {
        account: Account::new(format!("the budget of {limit} requests is used up"))
            .retry_after(*retry_after_seconds)
            .details(json!({ "limit": limit, "retry_after_seconds": retry_after_seconds }))
            .argument("retry_after", Argument::Seconds(*retry_after_seconds as f64)),
        example: ApiError::RateLimited { limit: 10, retry_after_seconds: 3 },
        remedy: "Wait for `Retry-After`, then send it again.",
    }
    /// The server failed; the cause is in its log under the request id.
    #[strum(serialize = "INTERNAL_ERROR")]
    Internal(cause: String) = INTERNAL_SERVER_ERROR {
        account: Account::new("the cause is in the server's log under this request id").hidden_cause(cause),
        example: ApiError::Internal(String::new()),
        remedy: "Report it.",
    }
    /// All connections of the server are in use (`server.max_connections`), and no client has more of them than this one.
    TooManyConnections = SERVICE_UNAVAILABLE {
        account: Account::new("all connections of the server are in use (server.max_connections)").retry_after(5),
        remedy: "Send it again after `Retry-After`.",
    }
    /// `queue.max_length` recordings are waiting.
    QueueFull { max_queued: usize } = SERVICE_UNAVAILABLE {
        account: Account::new(format!("{max_queued} recordings wait already (queue.max_length)"))
            .retry_after(30)
            .details(json!({ "max_allowed": max_queued }))
            .argument("number", Argument::Count(*max_queued as u64)),
        example: ApiError::QueueFull { max_queued: 1000 },
        remedy: "Send it again after `Retry-After`.",
    }
    /// The volume is full, or the client's unfinished uploads take the share of it that one client may take
    /// (`storage.client_share`).
    StorageFull = SERVICE_UNAVAILABLE {
        // The operator has to make room.
        account: Account::new("the volume is full").retry_after(60),
        remedy: "Make room, send it again.",
    }
    /// The server is stopping.
    ShuttingDown = SERVICE_UNAVAILABLE {
        account: Account::new("the server is stopping").retry_after(5),
        remedy: "Send it again after `Retry-After`.",
    }
    /// A requested stage lacks its model; `details` has `stage` and `reason`.
    ModelUnavailable { stage: Stage, reason: String } = SERVICE_UNAVAILABLE {
        // The operator has to install a model.
        account: Account::new(format!("{}: {reason}", stage.name()))
            .retry_after(60)
            .details(json!({ "stage": stage.name(), "reason": reason }))
            .argument("stage", Argument::Text(stage.name().to_owned())),
        example: ApiError::ModelUnavailable { stage: Stage::Transcription, reason: "there is no Whisper model".to_owned() },
        remedy: "Install the model, or do without the stage.",
    }
    variants
    /// A client has too many requests in progress and WebSockets.
    ConnectionsInUse { limit: usize } = RateLimited {
        account: limited(*limit, 5, "connections of this client are in use (server.max_connections_per_client)"),
    }
    /// A client has too many recordings that are being sent or wait.
    PlacesTaken { limit: usize } = RateLimited {
        account: limited(*limit, 30, "recordings of this client are being sent or wait (queue.client_share)"),
    }
    /// A client's unfinished uploads take too much of the disk.
    RoomTaken = StorageFull {
        account: Account::new("unfinished uploads of this client take as much of the disk as one client may (storage.client_share)")
            .retry_after(60),
    }
    /// A request without an upgrade at an address that speaks WebSocket only.
    UpgradeRequired = InvalidRequest {
        // RFC 6455, section 4.4: the supported version.
        account: Account::new("this address speaks WebSocket only: send an upgrade request (RFC 6455)")
            .header(SEC_WEBSOCKET_VERSION, Some(HeaderValue::from_static("13"))),
    }
    /// A web page of an origin that is not allowed wants to change something, or to open a WebSocket.
    OriginNotAllowed = Forbidden {
        account: Account::new("the page's origin is neither this server's nor in server.cors_origins"),
    }
}

impl Code {
    /// All codes, in the order of the documentation.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// The key of its message for people.
    pub(super) fn message_key(self) -> String {
        key("error", self.name())
    }

    /// The anchor of its row in `docs/errors.md`.
    pub(super) fn anchor(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// When a request is answered with this code, for the documentation.
    pub(super) fn meaning(self) -> String {
        tables::one_line(self.get_documentation().unwrap_or_default())
    }
}

/// The account of a client that has too much of something at once.
fn limited(limit: usize, retry_after_seconds: u64, of_what: &'static str) -> Account<'static> {
    Account::new(format!("{limit} {of_what}"))
        .retry_after(retry_after_seconds)
        .details(json!({ "limit": limit, "retry_after_seconds": retry_after_seconds }))
        .argument("retry_after", Argument::Seconds(retry_after_seconds as f64))
}

fn failed(field: &str, mistake: Mistake) -> Checks {
    Checks::one(field, mistake)
}
