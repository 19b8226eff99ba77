//! `POST /jobs`: a recording that is uploaded, or one that is in `incoming/` already.

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
/// Accepts a recording and queues it: uploaded as `multipart/form-data`, with the parts in any order, or put into `incoming/`
/// before and named in a JSON body. All mistakes in `metadata` and `options` are reported together. With an
/// `Idempotency-Key` the request can be repeated without creating a second job.
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
