//! `POST /jobs`: a recording that is sent, or one that lies in `incoming/` already.

use axum::extract::{Request, State};
use axum::response::Response;

use super::bodies::JobBody;
use super::requests::RecordingForm;
use super::take::{TakeRequest, take};
use super::upload::upload;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::json::is_json;
use crate::http::requester::Requester;

/// Create a job
///
/// Takes a recording in and queues it: sent as `multipart/form-data`, parts in any order, or lying in `incoming/` and named
/// in a JSON body. All mistakes in `metadata` and `options` are told at once. With an `Idempotency-Key` the request can be
/// repeated without making a second job.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "Jobs", request_body(content(
    (RecordingForm = "multipart/form-data"),
    (TakeRequest = "application/json"),
)), responses((status = 201, description = "The job waits", body = JobBody)))]
pub(super) async fn create_job(
    State(state): State<AppState>,
    requester: Requester,
    request: Request,
) -> Result<Response, ApiError> {
    if is_json(request.headers()) { take(&state, &requester, request).await } else { upload(&state, &requester, request).await }
}
