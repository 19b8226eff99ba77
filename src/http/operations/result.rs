//! The annotation of a job that is completed.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::find;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::{Job, JobId, JobState};

/// A completed job, and the bytes of its `result.json`.
pub(crate) struct ResultFile {
    /// The job.
    pub(crate) job: Arc<Job>,
    /// The body of `GET /jobs/{job_id}/result`.
    pub(crate) bytes: Vec<u8>,
}

/// The part of the file that the messages carry.
#[derive(Deserialize)]
struct Published {
    result: Box<RawValue>,
}

impl ResultFile {
    /// The annotation alone.
    pub(crate) fn annotation(&self) -> Result<Box<RawValue>, ApiError> {
        serde_json::from_slice::<Published>(&self.bytes)
            .map(|published| published.result)
            .map_err(|error| ApiError::Internal(format!("reading a result: {error}")))
    }
}

/// The result of a job, or why there is none.
pub(crate) async fn read(state: &AppState, requester: &Requester, id: JobId) -> Result<ResultFile, ApiError> {
    let job = find(state, requester, id)?;
    match &job.state {
        JobState::Queued | JobState::Processing { .. } => {
            let left = state.registry.estimated_completion(&job).map_or_else(
                || state.registry.estimated_seconds(&job.file, &job.options),
                |at| (at - state.clock.now()).num_milliseconds().max(0) as f64 / 1000.0,
            );
            Err(ApiError::result_not_ready(&job, left))
        }
        JobState::Failed { failure, .. } => Err(ApiError::JobFailed(failure.clone())),
        JobState::Cancelled { .. } => Err(ApiError::JobCancelled),
        JobState::Archived { .. } => Err(ApiError::ResultArchived),
        JobState::Completed { .. } => {
            let volume = state.volume.clone();
            let read = tokio::task::spawn_blocking(move || volume.read_result(id)).await;
            let read = read.map_err(|error| error.to_string()).and_then(|result| result.map_err(|error| error.to_string()));
            match read {
                Ok(bytes) => Ok(ResultFile { job, bytes }),
                Err(cause) => {
                    // Deleted or archived between the two looks: once that is through, the registry knows.
                    let _settled = state.job_locks.hold(id).await;
                    match state.registry.find(id).as_deref().map(|job| &job.state) {
                        None => Err(ApiError::JobNotFound),
                        Some(JobState::Archived { .. }) => Err(ApiError::ResultArchived),
                        Some(_) => Err(ApiError::Internal(format!("reading a result: {cause}"))),
                    }
                }
            }
        }
    }
}
