//! `GET` and `DELETE` of a job, and its result.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::body;
use super::error::ApiError;
use super::extract::JobPath;
use super::state::AppState;
use crate::jobs::JobState;
use crate::jobs::registry::Removal;

/// How long a deletion waits for a running job to let go.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// The present state of a job.
pub(super) async fn get_job(State(state): State<AppState>, JobPath(id): JobPath) -> Result<Json<Value>, ApiError> {
    let job = state.registry.find(id).ok_or(ApiError::JobNotFound)?;
    Ok(Json(Value::Object(body::job(&job, state.registry.estimated_completion(&job)))))
}

/// The annotation of a completed job.
pub(super) async fn get_result(State(state): State<AppState>, JobPath(id): JobPath) -> Result<Response, ApiError> {
    let job = state.registry.find(id).ok_or(ApiError::JobNotFound)?;
    match &job.state {
        JobState::Queued | JobState::Processing { .. } => {
            Err(ApiError::result_not_ready(&job, state.registry.estimated_seconds(job.file.duration_seconds)))
        }
        JobState::Failed { failure, .. } => Err(ApiError::JobFailed(failure.clone())),
        JobState::Completed { .. } => {
            let volume = state.volume.clone();
            let read = tokio::task::spawn_blocking(move || volume.read_result(id)).await;
            match read {
                Ok(Ok(bytes)) => Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response()),
                // Deleted between the look and the read.
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound && state.registry.find(id).is_none() => {
                    Err(ApiError::JobNotFound)
                }
                Ok(Err(error)) => Err(ApiError::Internal(format!("reading a result: {error}"))),
                Err(error) => Err(ApiError::Internal(format!("reading a result: {error}"))),
            }
        }
    }
}

/// Deletes a job: recording, result and all traces. A running one is stopped first.
pub(super) async fn delete_job(State(state): State<AppState>, JobPath(id): JobPath) -> Result<StatusCode, ApiError> {
    match state.registry.remove(id).ok_or(ApiError::JobNotFound)? {
        Removal::Removed(job) => {
            let (volume, registry) = (state.volume.clone(), state.registry.clone());
            // On its own task: the removal goes on when the client goes away.
            let removed = state.tasks.spawn_blocking(move || {
                let removed = volume.remove(id, &job.state);
                if removed.is_err() {
                    // It is still there, so it stays known.
                    registry.restore((*job).clone());
                }
                removed
            });
            removed
                .await
                .map_err(|error| error.to_string())
                .and_then(|result| result.map_err(|error| error.to_string()))
                .map_err(|cause| ApiError::Internal(format!("removing a job: {cause}")))?;
        }
        Removal::Stopping(mut watch) => {
            let gone = async {
                while watch.changed().await.is_ok() {
                    if watch.borrow_and_update().state.is_terminal() {
                        return Err(ApiError::Internal("the files of a running job could not be removed".to_owned()));
                    }
                }
                Ok(())
            };
            let late = || ApiError::Internal("a running job did not stop for its deletion in time".to_owned());
            tokio::time::timeout(STOP_DEADLINE, gone).await.map_err(|_| late())??;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
