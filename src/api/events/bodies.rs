//! The messages about jobs: the same over WebSocket, as Server-Sent Events, and as a list.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::jobs::bodies::{JobErrorBody, ProgressBody};
use crate::http::format::time;

/// Something that happened to a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum JobEvent<'a> {
    /// Where the job stands from now on.
    StatusUpdate {
        /// Names the job.
        job_id: Uuid,
        /// Where it stands.
        #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
        status: &'static str,
        /// How far it is.
        progress: ProgressBody,
        /// The event's number; grows, with gaps.
        seq: u64,
        /// When it happened.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The job is completed, and this came out.
    Result {
        /// Names the job.
        job_id: Uuid,
        /// `completed`.
        #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
        status: &'static str,
        /// The annotation.
        #[schema(value_type = crate::document::Document)]
        result: &'a RawValue,
        /// The event's number.
        seq: u64,
        /// When it happened.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The job is removed, and nothing more will come.
    JobDeleted {
        /// Names the job.
        job_id: Uuid,
        /// When it was told.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The job has ended without a result.
    Error {
        /// Names the job.
        job_id: Uuid,
        /// Why.
        error: JobErrorBody,
        /// The event's number.
        seq: u64,
        /// When it happened.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
}

/// A job's events so far.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventList {
    /// In order; the same messages as over WebSocket.
    #[schema(value_type = Vec<JobEvent<'_>>)]
    pub(super) data: Vec<Box<RawValue>>,
    pub(super) meta: EventListMeta,
}

/// About the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventListMeta {
    /// The number of the last event told: ask on from here.
    pub(super) last_seq: u64,
    /// Whether the job has ended and nothing more will come.
    pub(super) ended: bool,
}
