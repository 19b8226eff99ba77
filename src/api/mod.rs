//! The interface: its resources, each a folder with its operations, bodies, routes and WebSocket commands.
//!
//! REST and WebSocket are two ways into the same operations. A route is declared with its handler, scope, budget, refusals,
//! parameters and counterpart in one expression; so is a command. This module puts them together, and `http` serves them.
//! Handlers answer from the registry and the volume; none runs a model, so the server answers while a recording is processed.

pub(crate) mod docs;
mod errors;
pub(crate) mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod info;
pub(crate) mod jobs;
mod queue;
mod requester;
pub(crate) mod state;
mod websocket;

use std::sync::LazyLock;

use axum::Router;

use crate::http;
use crate::http::routes::Routes;
use crate::http::ws::Commands;
pub use docs::openapi;
pub use state::{AppState, Parts};

/// The router of the whole interface, with the layers around it.
pub fn router(state: AppState) -> Router {
    let gate = state.gate.clone();
    http::router(routes(), state, gate)
}

/// The routes of all resources.
fn routes() -> Routes<AppState> {
    Routes::new()
        .merge(docs::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(info::routes())
        .merge(jobs::routes())
        .merge(queue::routes())
        .merge(websocket::routes())
}

/// The WebSocket commands of all resources.
fn commands() -> &'static Commands<AppState> {
    static COMMANDS: LazyLock<Commands<AppState>> = LazyLock::new(|| {
        let commands = Commands::new();
        let commands = jobs::commands::commands(events::commands(commands));
        info::commands(health::commands(queue::commands(commands)))
    });
    &COMMANDS
}
