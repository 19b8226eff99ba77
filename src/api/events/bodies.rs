//! The messages about jobs: the same over WebSocket, as Server-Sent Events, and as a list.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::jobs::bodies::{JobErrorBody, ProgressBody};
use crate::http::format::time;

/// An event of a job: its new state, its outcome, or its deletion.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum JobEvent<'a> {
    /// The new state of the job. Sent when its status, stage or percentage changes.
    StatusUpdate {
        /// The id of the job, a UUID.
        job_id: Uuid,
        /// The status of the job from this event on.
        #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
        status: &'static str,
        /// The progress of the job at the time of the event.
        progress: ProgressBody,
        /// The number of the event. It grows with every event of the job, with gaps, and is never reused.
        seq: u64,
        /// When the job changed: RFC 3339 in UTC, in milliseconds.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The outcome of a completed job, with its annotation.
    Result {
        /// The id of the job, a UUID.
        job_id: Uuid,
        /// Always `completed`: no other job has a result.
        #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
        status: &'static str,
        /// The annotation of the recording, as in `GET /jobs/{job_id}/result`.
        #[schema(value_type = crate::document::Document)]
        result: &'a RawValue,
        /// The number of the event, greater than that of every earlier event of the job.
        seq: u64,
        /// When the job changed: RFC 3339 in UTC, in milliseconds.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The job was deleted. It is the last message about the job and has no number.
    JobDeleted {
        /// The id of the job, a UUID.
        job_id: Uuid,
        /// When this message was sent: RFC 3339 in UTC, in milliseconds.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
    /// The outcome of a job without a result: it failed, was cancelled, or is archived.
    Error {
        /// The id of the job, a UUID.
        job_id: Uuid,
        /// Why the job has no result.
        error: JobErrorBody,
        /// The number of the event, greater than that of every earlier event of the job.
        seq: u64,
        /// When the job changed: RFC 3339 in UTC, in milliseconds.
        #[serde(serialize_with = "time")]
        timestamp: DateTime<Utc>,
    },
}

/// What a list has in place of its events, until they are put there.
pub(super) const NO_EVENTS: &str = "\"data\":[]";

/// The events of a job after a given number, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventList {
    /// The events in order of their numbers: the same messages as over WebSocket. Empty when nothing has happened.
    #[schema(value_type = Vec<JobEvent<'_>>)]
    pub(super) data: [(); 0],
    pub(super) meta: EventListMeta,
}

/// The position in the job's events that this list reaches.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventListMeta {
    /// The number of the last event in this list: pass it as `last_seq` in the next request.
    pub(super) last_seq: u64,
    /// Whether the job has ended and will have no more events.
    pub(super) ended: bool,
}
