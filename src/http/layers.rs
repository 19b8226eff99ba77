//! What every request passes: its id, the log line, a caught panic, and the error envelope. In this order from outside in.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, error, info, info_span};
use uuid::Uuid;

use super::error::ApiError;
use super::state::AppState;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) fn apply(router: Router, state: AppState) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(middleware::from_fn_with_state(state, around))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over so")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let cause = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    ApiError::Internal(format!("panic: {cause}")).into_response()
}

async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request.headers().get(&REQUEST_ID).and_then(sane).unwrap_or_else(|| format!("req_{}", Uuid::new_v4()));
    let method = request.method().clone();
    // The route, not the address: an address can hold what must not be logged.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned());
    let started = Instant::now();
    let span = info_span!("request", request_id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _in_request = span.enter();
    if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
        if let Some(cause) = failure.hidden_cause() {
            error!(event = "request_failed", cause, "A request failed");
        }
        let envelope = failure.envelope(state.clock.now(), &id);
        *response.body_mut() = Body::from(envelope.to_string());
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(event = "request", method = %method, route, status = response.status().as_u16(), duration_ms, "Answered a request");
    response
}

/// A client's own id is kept when it is short and plain.
fn sane(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=100).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}
