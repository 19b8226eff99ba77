//! The checks of every request before its handler: the client's address and key, its budget, the origin of the web page that
//! sent it, the scope that its route declares, and whether there is a connection for it to keep.
//!
//! A request whose key is revoked before it is answered is refused then; what it has begun is dropped.
//!
//! Scope and budget come from the table of routes, which is closed by default. Which caller may see which job is the
//! handlers' business.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::header::{EXPECT, ORIGIN, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use tower::Service;

use super::body_timeout;
use super::credentials;
use super::error::ApiError;
use super::gate::Gate;
use super::headers::write_quota;
use super::host;
use super::routes::{Access, Cost, Table, Terms};
use super::serve::{Connection, Crowded, Holder};
use super::visitor::Visitor;
use crate::access::Caller;
use crate::access::limits::{Budget, Client};
use crate::access::origins::Page;

/// The future of a layer's answer.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// The layer around the routes.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    gate: Gate,
    table: Arc<Table>,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, gate: Gate, table: Arc<Table>) -> Self {
        Self { inner, gate, table }
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
        let gate = &self.gate;
        let shown = credentials::secret(request.headers());
        let caller = match shown {
            Some(secret) => gate.access.authenticate(secret),
            None => (!gate.access.asks_for_keys()).then(Caller::anybody),
        };
        let wrong_key = shown.is_some() && caller.is_none();
        let connection = request.extensions_mut().remove::<Connection>();
        let page = page(gate, &request);
        let visitor = Visitor { address: address(gate, &request), caller, connection, page };
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let terms = self.table.terms(route, request.method(), request.uri().path());
        // A request with a wrong key is charged to its address, so that guessing is limited as well.
        let paid = match terms.cost {
            Cost::One(budget) => gate.limits.check(budget, &visitor.client()),
            Cost::Nothing => Ok(gate.limits.whole(Budget::Reads)),
        };
        let admitted = match &paid {
            Err(exceeded) => Err((*exceeded).into()),
            Ok(_) => admit(&request, &visitor, wrong_key, terms).and_then(|()| claim(&visitor, terms)),
        };
        let answering = match admitted {
            Ok(()) => {
                let caller = visitor.caller.clone();
                request.extensions_mut().insert(visitor);
                Ok((self.inner.call(request), caller))
            }
            Err(refusal) => Err((refusal, request)),
        };
        let gate = gate.clone();
        Box::pin(async move {
            let mut response = match answering {
                Ok((answering, caller)) => tokio::select! {
                    biased;
                    answered = answering => answered?,
                    () = revoked(&gate, caller.as_ref()) => ApiError::Unauthorized.into_response(),
                },
                Err((refusal, request)) => refuse(refusal, request).await,
            };
            if let Some(quota) = paid.unwrap_or_else(|exceeded| Some(exceeded.quota)) {
                write_quota(response.headers_mut(), &quota, gate.clock.now());
            }
            if response.status().as_u16() == 401 {
                let challenge = if wrong_key { "Bearer error=\"invalid_token\"" } else { "Bearer" };
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Ok(response)
        })
    }
}

/// Refuses a request, whose body is read briefly.
pub(super) async fn refuse(refusal: ApiError, request: Request) -> Response {
    // With `Expect: 100-continue`, reading the body would make the client send it.
    if !request.headers().contains_key(EXPECT) {
        body_timeout::drain(request.into_body().into_data_stream()).await;
    }
    refusal.into_response()
}

fn admit(request: &Request, visitor: &Visitor, wrong_key: bool, terms: Terms) -> Result<(), ApiError> {
    let upgrades = request.headers().contains_key(UPGRADE);
    match visitor.page {
        Page::Free => {}
        // A page that may not is refused by the browser when it wants to read, since the answer does not name its origin.
        Page::Nameless | Page::Foreign if reads(request) && !upgrades => {}
        Page::Nameless if upgrades && matches!(terms.access, Access::Session(_)) => {}
        Page::Nameless | Page::Foreign => return Err(ApiError::OriginNotAllowed),
    }
    let scope = match terms.access {
        Access::Open => return Ok(()),
        Access::Key(_) | Access::Session(_) if wrong_key => return Err(ApiError::Unauthorized),
        // A browser cannot send headers with an upgrade: it sends its key in the first message.
        Access::Session(_) if upgrades => return Ok(()),
        Access::Key(scope) | Access::Session(scope) => scope,
    };
    match &visitor.caller {
        None => Err(ApiError::Unauthorized),
        Some(caller) if caller.may(scope) => Ok(()),
        Some(_) => Err(ApiError::Forbidden { scope }),
    }
}

/// Claims the connection for the request. What needs no key is answered even without: it is short, and the first to be broken
/// off if its connection is needed.
fn claim(visitor: &Visitor, terms: Terms) -> Result<(), ApiError> {
    let Some(connection) = &visitor.connection else { return Ok(()) };
    let holder = match &visitor.caller {
        Some(caller) => Holder::Caller(caller.clone()),
        None if terms.access == Access::Open => Holder::Anyone,
        None => Holder::Unidentified,
    };
    match connection.claim(Client::of_address(visitor.address), holder) {
        Err(crowded) if terms.access != Access::Open => Err(crowded.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl From<Crowded> for ApiError {
    fn from(crowded: Crowded) -> Self {
        match crowded {
            Crowded::Client { limit } => Self::ConnectionsInUse { limit },
            Crowded::Server => Self::TooManyConnections,
        }
    }
}

/// Returns once the caller is no longer valid; never for a request without a key.
async fn revoked(gate: &Gate, caller: Option<&Caller>) {
    match caller {
        Some(caller) => gate.access.revoked(caller).await,
        None => std::future::pending().await,
    }
}

/// The client's address, as the trusted proxies forwarded it.
fn address(gate: &Gate, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for");
    // A value that is no text counts as a hop that cannot be read.
    let values: Vec<&str> = forwarded.iter().map(|value| value.to_str().unwrap_or("-")).collect();
    gate.proxies.client(peer, values.into_iter())
}

fn reads(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What the web page that sent the request may do. Programs send no `Origin`; browsers do when a page changes something or
/// opens a WebSocket, and newer ones say at least how the page is related to the server.
fn page(gate: &Gate, request: &Request) -> Page {
    let headers = request.headers();
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, another) = (origins.next(), origins.next());
    match origin {
        Some(_) if another.is_some() => Page::Foreign,
        Some(origin) => origin.to_str().map_or(Page::Foreign, |origin| gate.origins.judge(origin, host::of(headers))),
        None => match headers.get("sec-fetch-site") {
            Some(site) => site.to_str().map_or(Page::Foreign, |site| gate.origins.judge_site(site)),
            None => Page::Free,
        },
    }
}
