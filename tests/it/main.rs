//! The integration tests: one binary, one file per topic. All tests use the public surface: the router over a real
//! socket, the command line, or the library's public functions.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on panics, and tests write files of their own"
)]

mod access;
mod architecture;
mod audio_range;
mod calls;
mod cancel_retry;
mod channels;
mod channels_words;
mod chaos;
mod checkpoints;
mod clients;
mod command_line;
mod configuration;
mod connections;
#[cfg(feature = "faults")]
mod crashes;
mod denoise;
mod diarization;
mod diarization_properties;
mod errors;
mod estimates;
mod events;
mod folder;
mod folder_many;
mod folder_names;
mod formats;
mod formats_gsm;
mod formats_long;
mod four_lives;
mod full_disk;
mod headerless;
mod headerless_jobs;
mod health;
#[cfg(feature = "faults")]
mod hostile_models;
mod hostile_settings;
mod idempotency;
mod jobs;
mod list;
#[cfg(feature = "faults")]
mod log_secrets;
#[cfg(feature = "faults")]
mod logs;
mod long_poll;
mod long_recordings;
mod models_catalog;
mod models_import;
mod models_import_hostile;
mod models_import_voice;
mod nginx;
mod openapi;
mod proxies;
mod quality;
mod queue;
mod rate_limits;
mod recognition;
mod recovery;
mod retention;
mod schemas;
mod schemathesis;
mod seed_clients;
mod storm;
mod support;
#[cfg(feature = "faults")]
mod sweep;
mod take;
mod toolchain;
mod toy_whisper;
mod transcription;
mod upload;
mod voiceprints;
mod watchdog;
mod websocket;
mod ws_limits;
mod ws_session;
mod ws_upload;
