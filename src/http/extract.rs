//! Extractors that answer in our envelope.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::ApiError;
use super::guard::Visitor;
use crate::jobs::JobId;

/// The job that an address names. A text that is no job id names no job.
pub(super) struct JobPath(pub(super) JobId);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::JobNotFound)?;
        text.parse().map(Self).map_err(|_| ApiError::JobNotFound)
    }
}

/// Where the request comes from, and who asks, if that is known yet.
impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let missing = || ApiError::Internal("a request came past the guard".to_owned());
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}
