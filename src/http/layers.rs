//! What every request passes, from outside in: the headers of every answer, its id and its language, the log line and the error
//! envelope, a bound on its head, the requests of other origins' pages, a caught panic, and the guard.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, error, info, info_span};
use uuid::Uuid;

use super::error::ApiError;
use super::state::AppState;
use super::{guard, headers, language};
use crate::access::limits::{Budget, Quota};
use crate::clock::Clock;
use crate::messages::Language;

/// The longest address, in bytes: the longest that clients and proxies agree on, and far more than any query of ours needs.
const MAX_ADDRESS_BYTES: usize = 8 * 1024;
/// The most that the headers may hold, in bytes: names and values together. Enough for every token and proxy in front.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// What the layers need to know.
#[derive(Clone)]
struct Surroundings {
    clock: Clock,
    /// What is spoken to a client that does not say.
    language: Language,
    /// The budget of one that has not asked for anything yet.
    whole: Option<Quota>,
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All layers, around all routes. One stack: layers that are added one by one cost a box each with every request.
pub(super) fn apply(router: Router, state: AppState) -> Router {
    let whole = state.limits.whole(Budget::Reads);
    let surroundings = Surroundings { clock: state.clock.clone(), language: state.language, whole };
    let stack = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(surroundings, around))
        .layer(option_layer(headers::cors(&state.origins)))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state, guard::guard));
    router.layer(stack)
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

async fn around(State(surroundings): State<Surroundings>, mut request: Request, next: Next) -> Response {
    let id = request.headers().get(&REQUEST_ID).and_then(sane).unwrap_or_else(|| format!("req_{}", Uuid::new_v4()));
    let method = request.method().clone();
    // The route, not the address: an address can hold what must not be logged.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned());
    let language = language::of(request.headers(), surroundings.language);
    request.extensions_mut().insert(language);
    let page = headers::is_page(request.uri().path());
    let started = Instant::now();
    let span = info_span!("request", request_id = %id);
    let mut response = match check_head(&request) {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(refusal) => refusal.into_response(),
    };
    let _in_request = span.enter();
    if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
        if let Some(cause) = failure.hidden_cause() {
            error!(event = "request_failed", cause, "A request failed");
        }
        failure.write(&mut response, language, surroundings.clock.now(), &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    headers::protect(response.headers_mut(), page, surroundings.whole, surroundings.clock.now());
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(event = "request", method = %method, route, status = response.status().as_u16(), duration_ms, "Answered a request");
    response
}

/// What is even longer is refused by the HTTP library, without a body.
fn check_head(request: &Request) -> Result<(), ApiError> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > MAX_ADDRESS_BYTES {
        return Err(ApiError::InvalidRequest(format!("the address is longer than {MAX_ADDRESS_BYTES} bytes")));
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > MAX_HEADER_BYTES {
        return Err(ApiError::InvalidRequest(format!("the headers are larger than {MAX_HEADER_BYTES} bytes")));
    }
    Ok(())
}

/// A client's own id is kept when it is short and plain.
fn sane(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=100).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    /// No handler of ours panics when it is asked to, so this one is for the test.
    #[tokio::test]
    async fn a_panic_is_answered_in_the_envelope_and_its_cause_stays_inside() {
        async fn handler() -> &'static str {
            panic!("the secret cause")
        }
        let surroundings = Surroundings { clock: Clock::system(), language: Language::english(), whole: None };
        let stack = ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(surroundings, around))
            .layer(CatchPanicLayer::custom(panicked));
        let router = Router::new().route("/", get(handler)).layer(stack);
        let request = Request::get("/").header("accept-language", "ru").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["content-language"], "ru");
        assert_eq!(response.headers()["content-type"], "application/json");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(!text.contains("secret"), "{text}");
        let error = serde_json::from_str::<Value>(&text).unwrap()["error"].clone();
        assert_eq!(error["code"], "INTERNAL_ERROR");
        assert_eq!(error["message"], "Внутренняя ошибка сервера");
        assert_eq!(error["request_id"], id.as_str());
        assert_eq!(error["retryable"], false);
    }
}
