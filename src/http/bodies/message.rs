//! What is told of a job, over WebSocket, as Server-Sent Events, and as a list: the same messages everywhere.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::JobErrorBody;
use super::progress::ProgressBody;
use super::time;

/// Something that happened to a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::http) enum JobEvent<'a> {
    /// Where the job stands from now on.
    StatusUpdate {
        /// Names the job.
        job_id: Uuid,
        /// Where it stands.
        #[schema(schema_with = super::job::status_schema)]
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
        #[schema(schema_with = super::job::status_schema)]
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
