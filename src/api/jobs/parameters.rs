//! The parameters of one job's address, and the preference to wait (RFC 7240).

use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde_json::json;

use crate::http::error::ApiError;
use crate::http::query::Parameters;
use crate::http::routes::{Parameter, any_text};
use crate::jobs::JobId;

/// The longest time that a client may wait for a change, in seconds: many proxies time out after it.
const MAX_WAIT_SECONDS: u64 = 60;

pub(crate) const JOB_ID: Parameter =
    Parameter::path("JobId", "job_id", || json!({ "type": "string", "format": "uuid" }), "The job.");
pub(crate) const WAIT: Parameter = Parameter::query(
    "Wait",
    "wait",
    || json!({ "type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS }),
    "Seconds to wait for a change (long poll).",
);
pub(crate) const LAST_SEQ: Parameter = Parameter::query(
    "LastSeq",
    "last_seq",
    || json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
    "The number of the last event that the client knows of.",
);
pub(crate) const PREFER: Parameter =
    Parameter::header("Prefer", "Prefer", any_text, "`wait=N` is as good as the parameter `wait` (RFC 7240), up to 60.");

/// The job in the path of a request. A text that is no job id is answered like an unknown job.
pub(crate) struct JobPath(pub(crate) JobId);

/// The query of `GET /jobs/{job_id}`.
#[derive(Debug, Default)]
pub(crate) struct JobQuery {
    /// How long to wait for a change.
    pub(crate) wait: Option<Duration>,
    /// The number of the last event that the client has received.
    pub(crate) last_seq: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::JobNotFound)?;
        text.parse().map(Self).map_err(|_| ApiError::JobNotFound)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for JobQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut given = Parameters::read(parts.uri.query().unwrap_or_default());
        let wait =
            given.whole_number("wait", 0..=MAX_WAIT_SECONDS).map(Duration::from_secs).or_else(|| preferred(&parts.headers));
        let last_seq = given.whole_number("last_seq", 0..=u64::MAX);
        given.finish()?;
        Ok(Self { wait, last_seq })
    }
}

/// How long the client prefers to wait, bounded.
fn preferred(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split([',', ';']));
    let wait = preferences.find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    })?;
    Some(Duration::from_secs(wait.min(MAX_WAIT_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_to_wait_is_found_and_bounded() {
        for (line, seconds) in
            [("wait=10", Some(10)), ("respond-async, Wait = \"20\"", Some(20)), ("wait=999", Some(60)), ("wait=x", None)]
        {
            let headers = HeaderMap::from_iter([("prefer".parse().unwrap(), line.parse().unwrap())]);
            assert_eq!(preferred(&headers), seconds.map(Duration::from_secs), "{line}");
        }
    }
}
