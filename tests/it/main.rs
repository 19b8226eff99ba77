//! The integration tests: one binary, a file a topic. Everything goes through the public surface: the router over a real
//! socket, the command line, or the library's public functions.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on panics, and tests write files of their own"
)]

mod architecture;
mod calls;
mod command_line;
mod configuration;
mod diarization;
mod errors;
mod formats;
mod health;
mod jobs;
mod models_catalog;
mod models_import;
mod models_import_hostile;
mod openapi;
mod queue;
mod recognition;
mod recovery;
mod schemas;
mod schemathesis;
mod seed_clients;
mod support;
mod toy_whisper;
mod transcription;
mod upload;
mod websocket;
