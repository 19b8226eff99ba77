//! The handlers of one job and of the list of jobs.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::asker::Asker;
use super::bodies::job::JobBody;
use super::bodies::page::JobsPage;
use super::error::ApiError;
use super::extract::JobPath;
use super::operations::jobs::{self, Cancelled};
use super::operations::{list, result};
use super::parameters::{JobQuery, ListQuery};
use super::state::AppState;

/// Says that the server keeps to what the client prefers (RFC 7240).
static APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The present state of a job; with a wait, its state after the next change.
pub(super) async fn get_job(
    State(state): State<AppState>,
    asker: Asker,
    JobPath(id): JobPath,
    query: JobQuery,
) -> Result<Response, ApiError> {
    let Some(wait) = query.wait else { return Ok(Json(jobs::get(&state, &asker, id)?).into_response()) };
    let body = jobs::wait(&state, &asker, id, query.last_seq, wait).await?;
    let applied = format!("wait={}", wait.as_secs());
    Ok(([(APPLIED.clone(), applied)], Json(body)).into_response())
}

/// The jobs.
pub(super) async fn list_jobs(
    State(state): State<AppState>,
    asker: Asker,
    OriginalUri(uri): OriginalUri,
    query: ListQuery,
) -> Result<Json<JobsPage>, ApiError> {
    let mut page = list::list(&state, &asker, &query.request)?;
    let pagination = &mut page.meta.pagination;
    pagination.next_url = pagination.next_cursor.as_ref().map(|cursor| query.next_url(uri.path(), cursor));
    Ok(Json(page))
}

/// The annotation of a completed job.
pub(super) async fn get_result(
    State(state): State<AppState>,
    asker: Asker,
    JobPath(id): JobPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = result::read(&state, &asker, id).await?;
    // A result never changes; a job that is tried again has none, so the job's own last end names it.
    let finished = file.job.state.finished_at().map_or(0, |at| at.timestamp_millis());
    let etag = format!("\"{id}-{finished:x}\"");
    let caching = [(ETAG, etag.clone()), (CACHE_CONTROL, "private, immutable".to_owned())];
    if headers.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, "application/json")], file.bytes).into_response())
}

/// Whether a list of entity tags holds this one. Weak tags compare as strong ones here (RFC 9110, 13.1.2).
fn names(value: &HeaderValue, etag: &str) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Cancels a job that waits or runs.
pub(super) async fn cancel_job(
    State(state): State<AppState>,
    asker: Asker,
    JobPath(id): JobPath,
) -> Result<(StatusCode, Json<JobBody>), ApiError> {
    Ok(match jobs::cancel(&state, &asker, id).await? {
        Cancelled::Done(body) => (StatusCode::OK, Json(body)),
        Cancelled::Stopping(body) => (StatusCode::ACCEPTED, Json(body)),
    })
}

/// Queues a failed or cancelled job again.
pub(super) async fn retry_job(
    State(state): State<AppState>,
    asker: Asker,
    JobPath(id): JobPath,
) -> Result<(StatusCode, Json<JobBody>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(jobs::retry(&state, &asker, id).await?)))
}

/// Removes a job with all its traces; one that runs is stopped first.
pub(super) async fn delete_job(
    State(state): State<AppState>,
    asker: Asker,
    JobPath(id): JobPath,
) -> Result<StatusCode, ApiError> {
    jobs::delete(&state, &asker, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
