//! The query of a job's events. `Last-Event-ID`, which browsers send automatically, overrides `last_seq`.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::json;

use crate::api::jobs::parameters::JobQuery;
use crate::http::error::ApiError;
use crate::http::routes::Parameter;

pub(super) const LAST_EVENT_ID: Parameter = Parameter::header(
    "LastEventId",
    "Last-Event-ID",
    || json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
    "The number of the last event that the client knows of, as browsers send it; counts more than `last_seq`.",
);

/// The query of `GET /jobs/{job_id}/events`.
#[derive(Debug, Default)]
pub(super) struct EventsQuery {
    /// How long to wait for an event.
    pub(super) wait: Option<Duration>,
    /// The number of the last event that the client has received.
    pub(super) last_seq: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for EventsQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let JobQuery { wait, last_seq } = JobQuery::from_request_parts(parts, state).await?;
        let resumed = parts.headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default());
        let Some(text) = resumed else { return Ok(Self { wait, last_seq }) };
        match text.parse() {
            Ok(number) => Ok(Self { wait, last_seq: Some(number) }),
            Err(_) => Err(ApiError::InvalidRequest("Last-Event-ID is not the number of an event".to_owned())),
        }
    }
}
