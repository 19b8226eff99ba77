//! The integration tests: one binary, a file a topic. Everything goes through the public surface: the router over a real
//! socket, the command line, or the library's public functions.

mod architecture;
mod configuration;
mod errors;
mod health;
mod jobs;
mod queue;
mod recovery;
mod support;
mod upload;
mod websocket;
