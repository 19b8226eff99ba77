//! Extractors that answer in our envelope.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::ApiError;
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
