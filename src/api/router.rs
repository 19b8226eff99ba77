//! The router of the whole interface.

use axum::Router;

use super::state::AppState;
use super::{openapi, routes};
use crate::http;

/// The routes of all resources, with the layers around them.
pub fn router(state: AppState) -> Router {
    let gate = state.gate.clone();
    http::router(routes(openapi::documents()), state, gate)
}
