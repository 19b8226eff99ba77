//! The handlers of one job and of the list of jobs.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::bodies::{JobBody, JobsPage};
use super::list::{ListPage, NO_JOBS};
use super::list_query::ListQuery;
use super::operations::{self, Cancelled};
use super::parameters::{JobPath, JobQuery};
use super::{list, result};
use crate::api::state::AppState;
use crate::document::ResultFile;
use crate::http::error::ApiError;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;
use crate::jobs::JobId;

/// The response header that confirms the preference of the client (RFC 7240).
static APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A job
///
/// The job with its status and progress. With `wait`, or `Prefer: wait=N`, the answer is sent at the next change (a long
/// poll): immediately if the job has ended, and after that many seconds at the latest. With `last_seq`, anything after that
/// event counts as a change.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}", tag = "Jobs", responses((status = 200, description = "The job", body = JobBody)))]
pub(super) async fn get_job(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
    query: JobQuery,
) -> Result<Response, ApiError> {
    // Clients poll without `wait`, so this path has to be cheap.
    let Some(wait) = query.wait else { return written(&state, &requester, id) };
    let body = operations::wait(&state, &requester, id, query.last_seq, wait).await?;
    let applied = format!("wait={}", wait.as_secs());
    Ok(([(APPLIED.clone(), applied)], Json(body)).into_response())
}

/// The answer to a request for a job. Its buffer need not grow: with ordinary metadata a job takes well under 2 KiB.
fn written(state: &AppState, requester: &Requester, id: JobId) -> Result<Response, ApiError> {
    let job = operations::find(state, requester, id)?;
    let text = match state.response_cache().find(&job, requester.language) {
        Some(text) => text,
        None => {
            let mut text = Vec::with_capacity(2048);
            serde_json::to_writer(&mut text, &operations::body(state, requester, &job))
                .map_err(|error| ApiError::Internal(format!("writing a job: {error}")))?;
            let text = Bytes::from(text);
            state.response_cache().keep(&job, requester.language, &text);
            text
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

/// List of jobs
///
/// The jobs that the caller may see, newest first, in pages. A cursor stays valid while jobs are added and removed.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "Jobs", responses((status = 200, description = "A page of jobs", body = JobsPage)))]
pub(super) async fn list_jobs(
    State(state): State<AppState>,
    requester: Requester,
    OriginalUri(uri): OriginalUri,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let ListQuery { request, given } = query;
    let ListPage { jobs, mut meta } = list::list(&state, &requester, request);
    let pagination = &mut meta.pagination;
    pagination.next_url = pagination.next_cursor.as_ref().map(|cursor| given.next_url(uri.path(), cursor));
    let page = serde_json::to_string(&JobsPage { data: [], meta });
    let page = page.map_err(|error| ApiError::Internal(format!("writing a list: {error}")))?;
    Ok(([(CONTENT_TYPE, "application/json")], Outgoing::from(page).fill(NO_JOBS, jobs).into_body()).into_response())
}

/// Result
///
/// The annotation of a completed job: who spoke when, the words of each speaker, and who the speakers are. A result never
/// changes, so it can be cached; with `If-None-Match` and its `ETag` the answer is 304.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/result", tag = "Jobs", responses(
    (status = 200, description = "The annotation", body = ResultFile),
    (status = 304, description = "The client has it already"),
))]
pub(super) async fn get_result(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = result::read(&state, &requester, id).await?;
    // A result never changes, and a job that is retried has none, so the time of the job's last end identifies it.
    let finished = file.job.state.finished_at().map_or(0, |at| at.timestamp_millis());
    let etag = format!("\"{id}-{finished:x}\"");
    let caching = [(ETAG, etag.clone()), (CACHE_CONTROL, "private, immutable".to_owned())];
    if headers.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let length = file.length().to_string();
    Ok((caching, [(CONTENT_TYPE, "application/json".to_owned()), (CONTENT_LENGTH, length)], file.into_body()).into_response())
}

/// Whether a list of entity tags holds this one. Weak tags compare as strong ones here (RFC 9110, 13.1.2).
fn names(value: &HeaderValue, etag: &str) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Cancel a job
///
/// Cancels a waiting or running job and keeps its recording, so that the job can be retried. A waiting job is cancelled
/// immediately (200), a running one is asked to stop (202). Repeating the request changes nothing.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/cancel", tag = "Jobs", responses(
    (status = 200, description = "The job is cancelled", body = JobBody),
    (status = 202, description = "The job was asked to stop", body = JobBody),
))]
pub(super) async fn cancel_job(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
) -> Result<(StatusCode, Json<JobBody>), ApiError> {
    Ok(match operations::cancel(&state, &requester, id).await? {
        Cancelled::Done(body) => (StatusCode::OK, Json(body)),
        Cancelled::Stopping(body) => (StatusCode::ACCEPTED, Json(body)),
    })
}

/// Try a job again
///
/// Queues a failed or cancelled job again, with its stored recording. Repeating the request while the job waits or runs
/// changes nothing.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/retry", tag = "Jobs", responses(
    (status = 202, description = "The job waits again, or still", body = JobBody),
))]
pub(super) async fn retry_job(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
) -> Result<(StatusCode, Json<JobBody>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(operations::retry(&state, &requester, id).await?)))
}

/// Delete a job
///
/// Removes the recording, the result and every trace of a job; a running job is stopped first. A repeated request is answered
/// 404.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}", tag = "Jobs", responses((status = 204, description = "The job is removed")))]
pub(super) async fn delete_job(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
) -> Result<StatusCode, ApiError> {
    operations::delete(&state, &requester, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
