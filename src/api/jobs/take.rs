//! `POST /jobs` with a JSON body: creates a job from a file in `incoming/`.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::accepted::{answer, idempotency_key};
use super::requests;
use super::submission;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::json::JsonBody;
use crate::http::requester::Requester;
use crate::intake::fields::Source;
use crate::intake::{JobRequest, Origin};

/// A request to create a job from a file in `incoming/`.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TakeRequest {
    /// The name of a file directly in `incoming/`.
    #[schema(schema_with = requests::file_name, required = true)]
    pub(super) filename: Option<String>,
    /// The media type of samples without a header; null for a file with a header.
    #[serde(default)]
    #[schema(schema_with = requests::content_type)]
    pub(super) content_type: Option<String>,
    /// Facts about the call, which are kept and returned.
    #[serde(default)]
    #[schema(schema_with = requests::metadata)]
    pub(super) metadata: Option<Value>,
    /// The options of the job; the settings decide what is left out.
    #[serde(default)]
    #[schema(schema_with = requests::options)]
    pub(super) options: Option<Value>,
}

/// Creates a job from a file in `incoming/`.
pub(super) async fn take(state: &AppState, requester: &Requester, request: Request) -> Result<Response, ApiError> {
    let admission = submission::admit(state, requester, None, idempotency_key(request.headers())?)?;
    let JsonBody(request): JsonBody<TakeRequest> = JsonBody::from_request(request, state).await?;
    let job_request = JobRequest::check(Source::Field(request.metadata.as_ref()), Source::Field(request.options.as_ref()))?;
    let name = request.filename.ok_or(ApiError::MissingFile)?;
    let declared = submission::declared(request.content_type.as_deref())?;
    let recording = (Origin::Incoming(name), declared);
    let accepted = submission::submit(state, requester, admission, recording, job_request).await?;
    Ok(answer(requester, &accepted))
}
