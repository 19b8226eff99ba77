//! The queue as its clients see it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::format::time;

/// What runs, and what waits in which order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueueStatus {
    /// How many wait.
    pub queue_length: usize,
    /// The job that runs; null when none does, or when it belongs to somebody else.
    pub processing_job: Option<Uuid>,
    /// The mean of the last jobs, in seconds; 0 before the first.
    pub average_processing_time: f64,
    /// The jobs that wait, in the order in which they will run; with keys, only one's own.
    pub jobs: Vec<WaitingJob>,
}

/// A job that waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WaitingJob {
    /// Names the job.
    pub job_id: Uuid,
    /// `queued`.
    #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
    pub status: &'static str,
    /// 1 is the next one to run.
    #[schema(minimum = 1)]
    pub position: usize,
    /// 1 (lowest) to 10.
    pub priority: u8,
    /// When it will probably be begun.
    #[serde(serialize_with = "time")]
    pub estimated_start: DateTime<Utc>,
}
