//! The answer to `POST /jobs`, and the client's idempotency key (`Idempotency-Key`).

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::bodies::JobBody;
use super::submission;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::routes::{Header, Parameter};
use crate::lifecycle::Accepted;

/// The form of an idempotency key: printable ASCII without spaces at its ends, which HTTP strips from header values.
const KEY: &str = "^[!-~]([ -~]*[!-~])?$";

/// The parameters that carry the idempotency key.
pub(super) const KEY_PARAMETERS: [Parameter; 2] = [
    Parameter::header(
        "IdempotencyKey",
        "Idempotency-Key",
        key_schema,
        "The client's own name for the request: sent again with the same body it is answered as before and makes no \
         second job. Lives as long as its job.",
    ),
    Parameter::header(
        "IdempotencyToken",
        "X-Idempotency-Token",
        key_schema,
        "Another name of `Idempotency-Key`, which counts more.",
    ),
];
/// The headers of the answer.
pub(super) const HEADERS: [Header; 2] = [
    Header::text("Location", "Where the job is."),
    Header::text("Idempotency-Replayed", "`true` when an earlier request of the same name made the job."),
];

/// The headers that may carry the idempotency key.
const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-token"];
/// Set to `true` when the answer repeats that of an earlier request.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The answer to a request that created a job, now or when it was sent for the first time.
pub(super) fn answer(requester: &Requester, accepted: &Accepted) -> Response {
    let (Accepted::New(job) | Accepted::Replayed(job)) = accepted;
    let location = format!("/api/v1/jobs/{}", job.id);
    let body = Json(JobBody::as_accepted(job, requester));
    let mut response = (StatusCode::CREATED, [(LOCATION, location)], body).into_response();
    if matches!(accepted, Accepted::Replayed(_)) {
        response.headers_mut().insert(&REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The idempotency key of the request, if it has one.
///
/// # Errors
/// When any of the headers holds an invalid key. Of several valid keys the first one is used.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let given = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let keys = given.map(|value| submission::checked_key(&String::from_utf8_lossy(value.as_bytes())));
    Ok(keys.collect::<Result<Vec<_>, _>>()?.into_iter().next())
}

fn key_schema() -> serde_json::Value {
    json!({ "type": "string", "minLength": 1, "maxLength": submission::MAX_KEY_CHARS, "pattern": KEY })
}
