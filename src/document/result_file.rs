//! The envelope of a result: the job it belongs to, when it was completed, and how long the work took.
//!
//! It is written once, when a job completes, and sent from the volume byte for byte.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::Document;
use crate::jobs::JobState;

/// The annotation of a completed job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobResult)]
pub struct ResultFile {
    /// The id of the job.
    pub job_id: Uuid,
    /// The status of the job: `completed`.
    #[schema(schema_with = any_status)]
    pub status: ResultStatus,
    /// When the job was completed.
    #[serde(serialize_with = "in_milliseconds")]
    pub completed_at: DateTime<Utc>,
    /// Processing time in seconds, without the time in the queue.
    #[schema(minimum = 0)]
    pub processing_time: f64,
    /// The annotation of the recording.
    pub result: Document,
}

/// The status of the job that a result belongs to: only a completed job has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultStatus {
    Completed,
}

/// The field is described like the status of a job, since clients read both with the same type.
fn any_status() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(JobState::NAMES))
        .description(Some("Where the job stands"))
        .build()
}

/// RFC 3339 in UTC, always with three decimals, as all published times.
fn in_milliseconds<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
