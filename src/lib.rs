//! CallAnnotate: a recorded telephone call goes in, an annotation comes out.
//!
//! For the data flow and the allowed imports between these modules see `docs/architecture.md`.

pub mod access;
pub mod annotate;
pub mod api;
pub mod app;
pub mod audio;
mod background;
pub mod capabilities;
pub mod checkpoints;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod diarize;
pub mod document;
pub mod engine;
mod housekeeping;
pub mod http;
pub mod inbox;
pub mod inference;
pub mod intake;
pub mod jobs;
pub mod lifecycle;
pub mod media;
pub mod messages;
pub mod models;
pub mod pipeline;
mod plain_file;
pub mod recognize;
pub mod redact;
pub mod scratch;
pub mod stop;
pub mod tables;
pub mod telemetry;
pub mod transcribe;
pub mod voiceprint;
pub mod volume;
pub mod worker;
