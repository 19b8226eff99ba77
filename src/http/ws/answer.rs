//! What the server answers to a command. What it tells of jobs unasked is in [`crate::http::bodies::message`].

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::bodies::error::ErrorBody;
use crate::http::bodies::health::HealthBody;
use crate::http::bodies::info::InfoBody;
use crate::http::bodies::job::JobBody;
use crate::http::bodies::page::PageMeta;
use crate::http::bodies::queue::QueueStatus;
use crate::http::bodies::time;

/// An answer to a command.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::http) enum Answer {
    /// To `ping`.
    Pong {},
    /// To `authenticate`.
    Authenticated {
        /// What the key allows: `read`, `write`, `admin`.
        scopes: Vec<&'static str>,
    },
    /// The job is followed.
    Subscribed {
        /// Names the job.
        job_id: Uuid,
        /// Events after this number come.
        last_seq: u64,
    },
    /// The job is followed no longer.
    Unsubscribed {
        /// Names the job.
        job_id: Uuid,
    },
    /// A job was made.
    JobCreated {
        /// As it was accepted.
        job: Box<JobBody>,
        /// Whether an earlier request of the same name made it.
        replayed: bool,
    },
    /// Binary frames may come.
    UploadReady {
        /// The job that it will become.
        upload_id: Uuid,
        /// Largest frame.
        max_frame_bytes: usize,
        /// So many bytes may be sent before the next grant, from the beginning.
        granted_bytes: u64,
    },
    /// Bytes have arrived.
    UploadProgress {
        /// So many, from the beginning.
        received_bytes: u64,
        /// So many may be sent before the next grant, from the beginning.
        granted_bytes: u64,
    },
    /// What was sent is forgotten.
    UploadAborted {},
    /// To `get_job`, `cancel_job` and `retry_job`.
    Job {
        /// As it stands.
        job: Box<JobBody>,
    },
    /// To `list_jobs`.
    Jobs {
        /// Jobs, whole or with the fields that were asked for.
        #[schema(value_type = Vec<crate::http::bodies::page::JobFields>)]
        data: Vec<serde_json::Map<String, Value>>,
        /// About the list.
        meta: PageMeta,
    },
    /// To `get_result`.
    Result {
        /// Names the job.
        job_id: Uuid,
        /// `completed`.
        #[schema(schema_with = crate::http::bodies::job::status_schema)]
        status: &'static str,
        /// The annotation.
        #[schema(value_type = crate::document::Document)]
        result: Box<RawValue>,
    },
    /// The job is removed: to `delete_job`, and to everybody who follows it.
    JobDeleted {
        /// Names the job.
        job_id: Uuid,
    },
    /// To `get_queue_status`.
    QueueStatus(QueueStatus),
    /// To `get_health`.
    Health {
        /// The body of `GET /health`.
        health: Box<HealthBody>,
    },
    /// To `get_info`.
    Info {
        /// The body of `GET /info`.
        info: Box<InfoBody>,
    },
    /// The command cannot be carried out; the connection stays.
    Error {
        /// The same error as REST has.
        error: Box<ErrorBody>,
    },
}

/// An answer as it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Framed<'a> {
    #[serde(flatten)]
    pub(in crate::http) answer: &'a Answer,
    /// Of the command, when it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) request_id: Option<&'a Value>,
    /// When it was answered.
    #[serde(serialize_with = "time")]
    pub(in crate::http) timestamp: DateTime<Utc>,
}
