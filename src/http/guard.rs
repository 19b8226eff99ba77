//! What every request passes before its handler: where it comes from, who asks, whether the budget allows it, whether the web
//! page may, and whether the key's scopes do. What belongs to whom is the handlers' business.
//!
//! Closed by default: an address needs a key unless it is listed here as open. Health must be readable for orchestrators,
//! and what the service is and how it is used for people with a browser, neither of whom has a key.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{EXPECT, HOST, ORIGIN, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use tower::Service;

use super::body_timeout;
use super::credentials;
use super::error::ApiError;
use super::headers::write_quota;
use super::layers::Answering;
use super::state::AppState;
use crate::access::limits::{Budget, Client};
use crate::access::{Caller, Scope};

/// Where a request comes from and who asks. No caller: keys are asked for, and a WebSocket has not shown one yet; it must
/// authenticate before anything else.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) address: IpAddr,
    pub(super) caller: Option<Caller>,
}

impl Visitor {
    /// Whose budget the requests are paid from.
    pub(super) fn client(&self) -> Client {
        Client::of(self.caller.as_ref(), self.address)
    }
}

/// The layer around the routes.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    state: AppState,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, state: AppState) -> Self {
        Self { inner, state }
    }
}

impl<S> Service<Request> for Guard<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Answering {
        let state = &self.state;
        let shown = credentials::secret(request.headers());
        let caller = match shown {
            Some(secret) => state.access.authenticate(secret),
            None => (!state.access.asks_for_keys()).then(Caller::anybody),
        };
        let wrong_key = shown.is_some() && caller.is_none();
        let visitor = Visitor { address: address(state, &request), caller };
        let budget = budget(&request);
        // A wrong key is paid for, too, by the address: guessing is limited like everything else.
        let paid = if is_probe(request.uri().path()) {
            Ok(state.limits.whole(budget))
        } else {
            state.limits.check(budget, &visitor.client())
        };
        let admitted = match &paid {
            Err(exceeded) => Err((*exceeded).into()),
            Ok(_) => admit(state, &request, &visitor, wrong_key),
        };
        let answering = match admitted {
            Ok(()) => {
                request.extensions_mut().insert(visitor);
                Ok(self.inner.call(request))
            }
            Err(refusal) => Err((refusal, request)),
        };
        let clock = state.clock.clone();
        Box::pin(async move {
            let mut response = match answering {
                Ok(answering) => answering.await?,
                Err((refusal, request)) => refuse(refusal, request).await,
            };
            if let Some(quota) = paid.unwrap_or_else(|exceeded| Some(exceeded.quota)) {
                write_quota(response.headers_mut(), &quota, clock.now());
            }
            if response.status().as_u16() == 401 {
                let challenge = if wrong_key { "Bearer error=\"invalid_token\"" } else { "Bearer" };
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Ok(response)
        })
    }
}

async fn refuse(refusal: ApiError, request: Request) -> Response {
    // A client that waits for our word before it sends would take reading for leave to go on.
    if !request.headers().contains_key(EXPECT) {
        body_timeout::drain(request.into_body().into_data_stream()).await;
    }
    refusal.into_response()
}

fn admit(state: &AppState, request: &Request, visitor: &Visitor, wrong_key: bool) -> Result<(), ApiError> {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = request.headers().contains_key(UPGRADE);
    if (!reads || upgrades) && !origin_may(state, request.headers()) {
        return Err(ApiError::OriginNotAllowed);
    }
    if is_open(path) {
        return Ok(());
    }
    if wrong_key {
        return Err(ApiError::Unauthorized);
    }
    match &visitor.caller {
        // A session of commands: each has its own scope, and a browser shows its key in the first of them.
        _ if is_websocket(path) && upgrades => Ok(()),
        None => Err(ApiError::Unauthorized),
        Some(caller) => {
            let scope = if reads { Scope::Read } else { Scope::Write };
            if caller.may(scope) { Ok(()) } else { Err(ApiError::Forbidden { scope }) }
        }
    }
}

/// The client's address, through the proxies that are trusted.
fn address(state: &AppState, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for");
    // An unreadable value stands for a hop that cannot be read.
    let values: Vec<&str> = forwarded.iter().map(|value| value.to_str().unwrap_or("-")).collect();
    state.proxies.client(peer, values.into_iter())
}

/// Programs send no origin; browsers always do when a page changes something or opens a WebSocket.
fn origin_may(state: &AppState, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.to_str().is_ok_and(|origin| state.origins.admits(origin, host))
}

fn budget(request: &Request) -> Budget {
    let submits = request.method() == Method::POST && request.uri().path() == "/api/v1/jobs";
    if submits { Budget::Submissions } else { Budget::Reads }
}

/// Without the prefix that both addresses of what is open may have.
fn bare(path: &str) -> &str {
    path.strip_prefix("/api/v1").unwrap_or(path)
}

fn is_open(path: &str) -> bool {
    let path = bare(path);
    matches!(path, "/health" | "/info" | "/docs" | "/openapi.json") || path.starts_with("/health/") || path.starts_with("/docs/")
}

/// What an orchestrator asks every few seconds from one address; never refused for its number.
fn is_probe(path: &str) -> bool {
    matches!(bare(path), "/health/live" | "/health/ready")
}

fn is_websocket(path: &str) -> bool {
    path == "/ws" || path.starts_with("/ws/")
}
