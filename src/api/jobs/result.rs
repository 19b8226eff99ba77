//! Reads the result of a completed job.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::operations::find;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::{Job, JobId, JobState};

/// A completed job, and the bytes of its `result.json`.
pub(crate) struct ResultFile {
    pub(crate) job: Arc<Job>,
    /// The body of `GET /jobs/{job_id}/result`.
    pub(crate) bytes: Vec<u8>,
}

/// The part of the file that WebSocket messages contain.
#[derive(Deserialize)]
struct Published {
    result: Box<RawValue>,
}

impl ResultFile {
    /// The annotation without its envelope.
    pub(crate) fn annotation(&self) -> Result<Box<RawValue>, ApiError> {
        serde_json::from_slice::<Published>(&self.bytes)
            .map(|published| published.result)
            .map_err(|error| ApiError::Internal(format!("reading a result: {error}")))
    }
}

/// Reads the result of a job.
///
/// # Errors
/// With the reason why the job has no result.
pub(crate) async fn read(state: &AppState, requester: &Requester, id: JobId) -> Result<ResultFile, ApiError> {
    let job = find(state, requester, id)?;
    match &job.state {
        JobState::Queued | JobState::Processing { .. } => {
            let left = state.lifecycle.jobs().estimated_completion(&job).map_or_else(
                || state.lifecycle.jobs().estimated_seconds(&job.file, &job.options),
                |at| (at - state.gate.clock.now()).num_milliseconds().max(0) as f64 / 1000.0,
            );
            Err(ApiError::result_not_ready(&job, left))
        }
        JobState::Failed { failure, .. } => Err(ApiError::JobFailed(failure.clone())),
        JobState::Cancelled { .. } => Err(ApiError::JobCancelled),
        JobState::Archived { .. } => Err(ApiError::ResultArchived),
        JobState::Completed { .. } => {
            match state.lifecycle.read_result(id).await {
                Ok(bytes) => Ok(ResultFile { job, bytes }),
                Err(cause) => {
                    // The job may have been deleted or archived meanwhile.
                    match state.lifecycle.find_settled(id).await.as_deref().map(|job| &job.state) {
                        None => Err(ApiError::JobNotFound),
                        Some(JobState::Archived { .. }) => Err(ApiError::ResultArchived),
                        Some(_) => Err(ApiError::Internal(format!("reading a result: {cause}"))),
                    }
                }
            }
        }
    }
}
