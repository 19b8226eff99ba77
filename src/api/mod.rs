//! The API: its resources, each a folder with its operations, bodies, routes and WebSocket commands.
//!
//! REST and WebSocket are two ways into the same operations. A route is declared with its handler, scope, budget, refusals,
//! parameters and counterpart in one expression; so is a command. This module puts them together, and `http` serves them.
//! Handlers answer from the registry and the volume; none runs a model, so the server answers while a recording is processed.

mod docs;
mod errors;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod info;
mod jobs;
pub mod openapi;
mod queue;
mod requester;
mod router;
mod state;
mod websocket;

use std::sync::LazyLock;

use crate::http::routes::Routes;
use crate::http::ws::Commands;
pub use router::router;
pub use state::{AppState, Parts};

/// The routes of all resources. The documentation shows `documents`.
fn routes(documents: docs::Documents) -> Routes<AppState> {
    Routes::new()
        .merge(docs::routes(documents))
        .merge(events::routes())
        .merge(health::routes())
        .merge(info::routes())
        .merge(jobs::routes())
        .merge(queue::routes())
        .merge(websocket::routes(commands()))
}

/// The WebSocket commands of all resources.
fn commands() -> &'static Commands<AppState> {
    static COMMANDS: LazyLock<Commands<AppState>> = LazyLock::new(|| {
        let commands = Commands::new();
        let commands = events::commands(commands);
        let commands = jobs::commands::commands(commands);
        let commands = queue::commands(commands);
        let commands = health::commands(commands);
        info::commands(commands)
    });
    &COMMANDS
}
