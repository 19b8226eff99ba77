//! What the types of the handlers do not tell of each operation: its parameters, the codes it can be refused with, the
//! headers of its answers, and the WebSocket command that does the same.

use crate::http::error::Code;

/// One operation, by the name of its handler.
pub(super) struct Operation {
    pub(super) id: &'static str,
    /// Keys of the parameters in [`super::parameters`].
    pub(super) parameters: &'static [&'static str],
    /// The refusals of its own; those that everything can meet are in [`EVERYWHERE`].
    pub(super) codes: &'static [Code],
    /// Headers of its own by status, keys of the headers in [`super::headers`].
    pub(super) headers: &'static [(&'static str, &'static [&'static str])],
    pub(super) counterpart: Counterpart,
}

/// How the same is done over WebSocket.
pub(super) enum Counterpart {
    /// By these commands.
    Commands(&'static [&'static str]),
    /// Not at all, for this reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reason is for whoever reads the table"))]
    None(&'static str),
}

/// What every request can be answered, whatever it asks for.
pub(super) const EVERYWHERE: [Code; 3] = [Code::InvalidRequest, Code::RateLimited, Code::Internal];
/// What every request can be answered where keys are asked for.
pub(super) const WITH_KEYS: [Code; 2] = [Code::Unauthorized, Code::Forbidden];
/// The operations that never ask for a key: for orchestrators and people with a browser.
pub(super) const OPEN: [&str; 5] = ["get_health", "get_live", "get_ready", "get_info", "get_openapi"];

const JOB: &[&str] = &["JobId"];

pub(super) const OPERATIONS: [Operation; 15] = [
    Operation {
        id: "create_job",
        parameters: &["IdempotencyKey", "IdempotencyToken"],
        codes: &[
            Code::InvalidJson,
            Code::MissingFile,
            Code::InvalidMetadata,
            Code::InvalidOptions,
            Code::FileNotFound,
            Code::RequestTimeout,
            Code::IdempotencyKeyReused,
            Code::FileTooLarge,
            Code::RequestTooLarge,
            Code::UnsupportedFormat,
            Code::UnsupportedMediaType,
            Code::InvalidAudio,
            Code::AudioTooLong,
            Code::AudioEmpty,
            Code::QueueFull,
            Code::StorageFull,
            Code::ShuttingDown,
            Code::ModelUnavailable,
        ],
        headers: &[("201", &["Location", "Idempotency-Replayed"])],
        counterpart: Counterpart::Commands(&["create_job", "upload_start"]),
    },
    Operation {
        id: "list_jobs",
        parameters: &["Limit", "Cursor", "Status", "CreatedAfter", "CreatedBefore", "ExternalId", "Filename", "Sort", "Fields"],
        codes: &[Code::InvalidQuery],
        headers: &[],
        counterpart: Counterpart::Commands(&["list_jobs"]),
    },
    Operation {
        id: "get_job",
        parameters: &["JobId", "Wait", "LastSeq", "Prefer"],
        codes: &[Code::InvalidQuery, Code::JobNotFound],
        headers: &[("200", &["Preference-Applied"])],
        counterpart: Counterpart::Commands(&["get_job"]),
    },
    Operation {
        id: "delete_job",
        parameters: JOB,
        codes: &[Code::JobNotFound],
        headers: &[],
        counterpart: Counterpart::Commands(&["delete_job"]),
    },
    Operation {
        id: "get_result",
        parameters: &["JobId", "IfNoneMatch"],
        codes: &[Code::JobNotFound, Code::ResultNotReady, Code::JobFailed, Code::JobCancelled, Code::ResultArchived],
        headers: &[("200", &["ETag", "Cache-Control"]), ("304", &["ETag", "Cache-Control"])],
        counterpart: Counterpart::Commands(&["get_result"]),
    },
    Operation {
        id: "cancel_job",
        parameters: JOB,
        codes: &[Code::JobNotFound, Code::JobFinished],
        headers: &[],
        counterpart: Counterpart::Commands(&["cancel_job"]),
    },
    Operation {
        id: "retry_job",
        parameters: JOB,
        codes: &[
            Code::JobNotFound,
            Code::FileNotFound,
            Code::JobFinished,
            Code::QueueFull,
            Code::StorageFull,
            Code::ShuttingDown,
        ],
        headers: &[],
        counterpart: Counterpart::Commands(&["retry_job"]),
    },
    Operation {
        id: "get_events",
        parameters: &["JobId", "Wait", "LastSeq", "LastEventId", "Prefer"],
        codes: &[Code::InvalidQuery, Code::JobNotFound],
        headers: &[],
        counterpart: Counterpart::Commands(&["subscribe_job"]),
    },
    Operation {
        id: "get_audio",
        parameters: &["JobId", "Range", "IfRange"],
        codes: &[Code::JobNotFound, Code::FileNotFound, Code::ResultArchived, Code::RangeNotSatisfiable],
        headers: &[
            ("200", &["ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition"]),
            ("206", &["ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition", "Content-Range"]),
        ],
        counterpart: Counterpart::None("a recording is a file to be downloaded, in parts when need be; HTTP has that"),
    },
    Operation {
        id: "get_queue_status",
        parameters: &[],
        codes: &[],
        headers: &[],
        counterpart: Counterpart::Commands(&["get_queue_status"]),
    },
    Operation {
        id: "get_health",
        parameters: &[],
        codes: &[],
        headers: &[],
        counterpart: Counterpart::Commands(&["get_health"]),
    },
    Operation {
        id: "get_live",
        parameters: &[],
        codes: &[],
        headers: &[],
        counterpart: Counterpart::None("orchestrators ask by HTTP; an open WebSocket is alive"),
    },
    Operation {
        id: "get_ready",
        parameters: &[],
        codes: &[],
        headers: &[],
        counterpart: Counterpart::None("orchestrators ask by HTTP; get_health tells the same"),
    },
    Operation { id: "get_info", parameters: &[], codes: &[], headers: &[], counterpart: Counterpart::Commands(&["get_info"]) },
    Operation {
        id: "get_openapi",
        parameters: &[],
        codes: &[],
        headers: &[],
        counterpart: Counterpart::None("it describes HTTP; the messages have a schema of their own"),
    },
];

/// What is known of an operation.
pub(super) fn find(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}
