//! Reads the result of a completed job: a small one at once, a large one in pieces while it is sent.

use std::fs::File;
use std::io::{self, SeekFrom};
use std::sync::Arc;

use axum::body::Body;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::annotation::place_of;
use super::operations::find;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::outgoing::{MAX_WHOLE_BYTES, Outgoing, Pieces};
use crate::http::requester::Requester;
use crate::jobs::{Job, JobId, JobState};
use crate::lifecycle::Content;

/// The field of a file and of a message that holds the annotation.
const FIELD: &str = "result";
/// What a message has in place of its annotation, until that is put there.
pub(crate) const NO_ANNOTATION: &str = "\"result\":null";

/// A completed job, and its `result.json`.
pub(crate) struct ResultFile {
    pub(crate) job: Arc<Job>,
    content: Content,
}

/// The part of the file that WebSocket messages contain.
#[derive(Deserialize)]
struct Published {
    result: Box<RawValue>,
}

impl ResultFile {
    /// Length of the file, in bytes.
    pub(crate) fn length(&self) -> u64 {
        match &self.content {
            Content::Whole(bytes) => bytes.len() as u64,
            Content::Large(_, length) => *length,
        }
    }

    /// The body of `GET /jobs/{job_id}/result`.
    pub(crate) fn into_body(self) -> Body {
        match self.content {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Large(file, length) => Body::from_stream(pieces(tokio::fs::File::from_std(file), length)),
        }
    }

    /// The annotation without its envelope, to be put into a message in place of [`NO_ANNOTATION`].
    pub(crate) async fn annotation(self) -> Result<Outgoing, ApiError> {
        let annotation = match self.content {
            Content::Whole(bytes) => whole_annotation(&bytes)?,
            Content::Large(file, _) => {
                large_annotation(file).await.map_err(|error| ApiError::Internal(format!("reading a result: {error}")))?
            }
        };
        Ok(annotation.between(&format!("\"{FIELD}\":"), ""))
    }
}

fn whole_annotation(bytes: &[u8]) -> Result<Outgoing, ApiError> {
    serde_json::from_slice::<Published>(bytes)
        .map(|published| Box::<str>::from(published.result).into_string().into())
        .map_err(|error| ApiError::Internal(format!("reading a result: {error}")))
}

async fn large_annotation(file: File) -> io::Result<Outgoing> {
    let found = tokio::task::spawn_blocking(move || Ok((place_of(FIELD, &file)?, file))).await;
    let (place, file) = found.unwrap_or_else(|error| Err(io::Error::other(error)))?;
    let place = place.ok_or_else(|| io::Error::other("the file has no annotation"))?;
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(place.start)).await?;
    Ok(Outgoing::pieces(pieces(file, place.end - place.start)))
}

/// The next bytes of a file, each piece read when it is wanted.
fn pieces(file: tokio::fs::File, length: u64) -> Pieces {
    Box::pin(ReaderStream::with_capacity(file.take(length), MAX_WHOLE_BYTES))
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
            match state.lifecycle.read_result(id, MAX_WHOLE_BYTES as u64).await {
                Ok(content) => Ok(ResultFile { job, content }),
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
