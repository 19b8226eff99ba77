//! Serving over HTTP: the accept loop, the layers around every request, the guard, JSON and multipart bodies, the error
//! envelope, WebSocket sessions and the builder of the OpenAPI document.
//!
//! It knows no resource, and of jobs only what the table of error codes publishes: `api` declares [`routes::Routes`] and WebSocket commands, and this module serves them. It
//! never imports `api`; what it needs of the server is in [`Gate`].

pub(crate) mod body_timeout;
mod credentials;
pub(crate) mod error;
mod fallback;
pub(crate) mod format;
mod gate;
mod guard;
mod headers;
mod host;
pub(crate) mod json;
mod language;
mod layers;
pub(crate) mod multipart;
pub(crate) mod openapi;
pub(crate) mod outgoing;
mod pieces;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod requester;
pub(crate) mod routes;
mod serve;
pub(crate) mod visitor;
pub(crate) mod ws;

use std::sync::Arc;

use axum::Router;

pub use body_timeout::Pace;
pub use gate::{Gate, GateParts};
pub use serve::{ConnectionCounts, ConnectionTimeouts, listen, serve};

use routes::Routes;

/// The router that serves these routes, with the layers around them.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(routes: Routes<S>, state: S, gate: Gate) -> Router {
    let (router, table) = routes.into_router();
    let router = router.method_not_allowed_fallback(fallback::other_method).fallback(fallback::unknown_address).with_state(state);
    layers::apply(router, gate, Arc::new(table))
}
