//! The body of a result. It is written once, to the volume, and sent from there as it is.

use chrono::{DateTime, Utc};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::annotate::document::Document;

/// The annotation of a completed job.
#[derive(ToSchema)]
#[schema(as = JobResult)]
#[expect(dead_code, reason = "it describes what the worker publishes, see the test of the schemas")]
pub(crate) struct ResultBody {
    /// Names the job.
    job_id: Uuid,
    /// `completed`.
    #[schema(schema_with = super::status_schema)]
    status: &'static str,
    /// When.
    completed_at: DateTime<Utc>,
    /// How long the work took, in seconds, without the waiting.
    #[schema(minimum = 0)]
    processing_time: f64,
    /// The annotation.
    result: Document,
}
