//! The bodies that describe the queue.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::format::time;

/// The state of the queue: the running job, and the waiting jobs in order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueueStatus {
    /// The number of waiting jobs, including those of other keys.
    pub queue_length: usize,
    /// The id of the running job; null if none is running, or if it belongs to another key.
    pub processing_job: Option<Uuid>,
    /// The mean processing time of the last jobs, in seconds; 0 if none has been completed.
    pub average_processing_time: f64,
    /// The waiting jobs in the order in which they will run. If keys are required, only the caller's own.
    pub jobs: Vec<WaitingJob>,
}

/// A job that waits in the queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WaitingJob {
    /// The id of the job, a UUID.
    pub job_id: Uuid,
    /// The status of the job: always `queued`.
    #[schema(schema_with = crate::api::jobs::bodies::status_schema)]
    pub status: &'static str,
    /// The position among all waiting jobs; 1 is the next one to run.
    #[schema(minimum = 1)]
    pub position: usize,
    /// The priority, from 1 (lowest) to 10.
    pub priority: u8,
    /// When the job is expected to be started.
    #[serde(serialize_with = "time")]
    pub estimated_start: DateTime<Utc>,
}
