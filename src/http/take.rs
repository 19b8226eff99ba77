//! `POST /jobs` with a JSON body: a recording that lies in `incoming/` already is made a job.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::ApiError;
use super::fields::Source;
use super::json::JsonBody;
use super::openapi::requests;
use super::operations::{admission, create};
use super::requester::Requester;
use super::state::AppState;
use super::upload::{answer, idempotency_key};
use crate::intake::{JobRequest, Origin};

/// Makes a job of a file that lies in `incoming/`.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TakeRequest {
    /// The name of a file lying directly in `incoming/`.
    #[schema(schema_with = requests::file_name, required = true)]
    pub(super) filename: Option<String>,
    /// What it holds when it has no header.
    #[serde(default)]
    #[schema(schema_with = requests::content_type)]
    pub(super) content_type: Option<String>,
    /// About the call.
    #[serde(default)]
    #[schema(schema_with = requests::metadata)]
    pub(super) metadata: Option<Value>,
    /// What to do with it.
    #[serde(default)]
    #[schema(schema_with = requests::options)]
    pub(super) options: Option<Value>,
}

pub(super) async fn take(state: &AppState, requester: &Requester, request: Request) -> Result<Response, ApiError> {
    let admission = admission::admit(state, requester, None, idempotency_key(request.headers())?)?;
    let JsonBody(request): JsonBody<TakeRequest> = JsonBody::from_request(request, state).await?;
    let job_request = JobRequest::check(Source::Field(request.metadata.as_ref()), Source::Field(request.options.as_ref()))?;
    let name = request.filename.ok_or(ApiError::MissingFile)?;
    let declared = create::declared(request.content_type.as_deref())?;
    let recording = (Origin::Incoming(name), declared);
    let accepted = create::create(state, requester, admission, recording, job_request).await?;
    Ok(answer(requester, &accepted))
}
