//! The layers around every route, from outside in: headers of every answer, request id and language, log line and error
//! envelope, a bound on the request's head, its host, CORS, caught panics, and the guard.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use tower::util::option_layer;
use tower::{Service, ServiceBuilder, layer};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, error, info, info_span};
use uuid::Uuid;

use super::error::ApiError;
use super::gate::Gate;
use super::guard::{Answering, Guard};
use super::routes::Table;
use super::{guard, headers, host, language};
use crate::access::hosts::Hosts;
use crate::access::limits::{Budget, Quota};
use crate::clock::Clock;
use crate::messages::Language;

/// Length of the longest address, in bytes: most clients and proxies support it.
const MAX_ADDRESS_BYTES: usize = 8 * 1024;
/// The greatest size of the names and values of all headers, in bytes: enough for tokens and the additions of proxies.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The state of the outermost layer.
struct Surroundings {
    hosts: Hosts,
    clock: Clock,
    /// The language for clients without `Accept-Language`.
    language: Language,
    /// The full budget of reads: reported where no budget was charged.
    whole: Option<Quota>,
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around all routes. They are one stack of hand-written services: layers that are added one by one, or made
/// from functions, cost several allocations each per request.
pub(super) fn apply(router: Router, gate: Gate, table: Arc<Table>) -> Router {
    let whole = gate.limits.whole(Budget::Reads);
    let surroundings =
        Arc::new(Surroundings { hosts: gate.hosts.clone(), clock: gate.clock.clone(), language: gate.language, whole });
    let cors = option_layer(headers::cors(&gate.origins));
    let stack = ServiceBuilder::new()
        .layer(layer::layer_fn(move |inner| Around { inner, surroundings: surroundings.clone() }))
        .layer(cors)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(layer::layer_fn(move |inner| Guard::new(inner, gate.clone(), table.clone())));
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

/// The outermost layer: request id, log line and envelope.
#[derive(Clone)]
struct Around<S> {
    inner: S,
    surroundings: Arc<Surroundings>,
}

impl<S, B> Service<Request> for Around<S>
where
    S: Service<Request, Response = axum::http::Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    axum::http::Response<B>: IntoResponse,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Answering {
        let surroundings = self.surroundings.clone();
        let id = request.headers().get(&REQUEST_ID).and_then(sane).unwrap_or_else(|| format!("req_{}", Uuid::new_v4()));
        let method = request.method().clone();
        // The route, not the address: an address can hold what must not be logged.
        let route = request.extensions().get::<MatchedPath>().cloned();
        let language = language::of(request.headers(), surroundings.language);
        request.extensions_mut().insert(language);
        let started = Instant::now();
        let span = info_span!("request", request_id = %id);
        let inner = match check_head(&request).and_then(|()| host::check(&request, &surroundings.hosts)) {
            Ok(()) => Ok(span.in_scope(|| self.inner.call(request)).instrument(span.clone())),
            Err(refusal) => Err((refusal, request)),
        };
        Box::pin(async move {
            let mut response = match inner {
                Ok(answering) => answering.await.into_response(),
                Err((refusal, request)) => guard::refuse(refusal, request).await,
            };
            let _in_request = span.enter();
            if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
                if let Some(cause) = failure.hidden_cause() {
                    error!(event = "request_failed", cause, "A request failed");
                }
                failure.write(&mut response, language, surroundings.clock.now(), &id);
            }
            if let Ok(value) = HeaderValue::try_from(id) {
                response.headers_mut().insert(REQUEST_ID.clone(), value);
            }
            headers::protect(response.headers_mut(), surroundings.whole, surroundings.clock.now());
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let route = route.as_ref().map_or("-", MatchedPath::as_str);
            let status = response.status().as_u16();
            info!(event = "request", method = method.as_str(), route, status, duration_ms, "Answered a request");
            Ok(response)
        })
    }
}

/// Bounds address and headers. Heads beyond the buffer of the HTTP library are refused by it, without a body.
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

/// The client's own request id is kept if it is short and has only plain characters.
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

    #[tokio::test]
    async fn a_panic_is_answered_in_the_envelope_and_its_cause_stays_inside() {
        async fn handler() -> &'static str {
            panic!("the secret cause")
        }
        let surroundings =
            Surroundings { hosts: Hosts::default(), clock: Clock::system(), language: Language::english(), whole: None };
        let surroundings = Arc::new(surroundings);
        let stack = ServiceBuilder::new()
            .layer(layer::layer_fn(move |inner| Around { inner, surroundings: surroundings.clone() }))
            .layer(CatchPanicLayer::custom(panicked));
        let router = Router::new().route("/", get(handler)).layer(stack);
        let request = Request::get("/").header("host", "localhost").header("accept-language", "ru").body(Body::empty()).unwrap();
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
