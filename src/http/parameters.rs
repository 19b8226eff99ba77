//! The parameters of the addresses, and the preference to wait (RFC 7240).

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::bodies::job::JobBody;
use super::error::{ApiError, Mistake};
use super::operations::list::{DEFAULT_LIMIT, ListRequest, MAX_LIMIT, decode_cursor};
use super::query::Parameters;
use crate::jobs::JobState;
use crate::lifecycle::{Filter, Order};

/// The longest that a client may wait for a change, in seconds: proxies commonly give up after this.
pub(super) const MAX_WAIT_SECONDS: u64 = 60;
/// Most characters of a text to search for.
pub(super) const MAX_TEXT_CHARS: usize = 255;
/// Most characters of a cursor; ours have at most 53.
pub(super) const MAX_CURSOR_CHARS: usize = 64;

/// Of `GET /jobs/{job_id}`.
#[derive(Debug, Default)]
pub(super) struct JobQuery {
    /// How long to wait for a change.
    pub(super) wait: Option<Duration>,
    /// The number of the last event that the client knows of.
    pub(super) last_seq: Option<u64>,
}

/// Of `GET /jobs/{job_id}/events`.
#[derive(Debug, Default)]
pub(super) struct EventsQuery {
    /// How long to wait for an event.
    pub(super) wait: Option<Duration>,
    /// The number of the last event that the client knows of; `Last-Event-ID` counts more.
    pub(super) last_seq: Option<u64>,
}

/// Of `GET /jobs`.
#[derive(Debug)]
pub(super) struct ListQuery {
    /// What is asked for.
    pub(super) request: ListRequest,
    /// The parameters as they came, without the cursor.
    given: String,
}

impl ListQuery {
    /// The address of the page behind this cursor.
    pub(super) fn next_url(&self, path: &str, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(self.given.clone());
        query.append_pair("cursor", cursor);
        format!("{path}?{}", query.finish())
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

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let request = list_request(Parameters::read(query))?;
        let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
        let given = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        Ok(Self { request, given })
    }
}

/// What the parameters of the list ask for; all that is wrong with them is told at once.
pub(super) fn list_request(mut given: Parameters) -> Result<ListRequest, ApiError> {
    let filter = Filter {
        statuses: given.several_of("status", &JobState::NAMES.map(|name| (name, name))),
        created_after: given.time("created_after"),
        created_before: given.time("created_before"),
        external_id: given.text("external_id", MAX_TEXT_CHARS),
        filename: given.text("filename", MAX_TEXT_CHARS),
    };
    let order = given.one_of("sort", &[("-created_at", Order::Newest), ("created_at", Order::Oldest)]).unwrap_or_default();
    let limit = given.whole_number("limit", 1..=MAX_LIMIT as u64).and_then(|limit| usize::try_from(limit).ok());
    let after = given.text("cursor", MAX_CURSOR_CHARS).and_then(|text| {
        let place = decode_cursor(&text);
        if place.is_none() {
            given.refuse("cursor", Mistake::NotACursor);
        }
        place
    });
    let fields = given.several_of("fields", &JobBody::FIELDS.map(|name| (name, name)));
    given.finish()?;
    Ok(ListRequest { filter, order, after, limit: limit.unwrap_or(DEFAULT_LIMIT), fields })
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
    use proptest::prelude::*;

    #[test]
    fn a_preference_to_wait_is_found_and_bounded() {
        for (line, seconds) in
            [("wait=10", Some(10)), ("respond-async, Wait = \"20\"", Some(20)), ("wait=999", Some(60)), ("wait=x", None)]
        {
            let headers = HeaderMap::from_iter([("prefer".parse().unwrap(), line.parse().unwrap())]);
            assert_eq!(preferred(&headers), seconds.map(Duration::from_secs), "{line}");
        }
    }

    #[test]
    fn every_mistake_in_the_list_is_told() {
        let query = "status=lost&created_after=soon&sort=size&limit=101&cursor=xyz&fields=job_id,colour";
        let Err(ApiError::InvalidQuery(checks)) = list_request(Parameters::read(query)) else { panic!("it is taken") };
        assert_eq!(checks.len(), 6, "{checks:?}");
    }

    proptest! {
        #[test]
        fn any_query_is_answered(query in "\\PC{0,80}") {
            match list_request(Parameters::read(&query)) {
                Ok(request) => prop_assert!((1..=MAX_LIMIT).contains(&request.limit)),
                Err(error) => prop_assert!(matches!(error, ApiError::InvalidQuery(checks) if !checks.is_empty())),
            }
        }
    }
}
