//! The integration tests: one binary, one file per topic. All tests use the public surface: the router over a real
//! socket, the command line, or the library's public functions.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on panics, and tests write files of their own"
)]

mod access;
mod answers;
mod architecture;
mod audio_range;
mod browsers;
mod calls;
mod calls_base;
mod cancel_retry;
mod channels;
mod channels_words;
mod chaos;
mod checkpoints;
mod clients;
mod command_line;
mod configuration;
mod connections;
mod covers;
#[cfg(feature = "faults")]
mod crashes;
mod crowds;
#[cfg(feature = "faults")]
mod deadly_files;
mod denoise;
mod diarization;
mod diarization_properties;
mod errors;
mod estimates;
mod events;
mod float_files;
mod folder;
mod folder_many;
mod folder_names;
mod foreign_folders;
mod formats;
mod formats_gsm;
mod formats_long;
mod four_lives;
mod full_disk;
mod headerless;
mod headerless_jobs;
mod health;
#[cfg(feature = "faults")]
mod hostile_files;
#[cfg(feature = "faults")]
mod hostile_models;
mod hostile_settings;
mod hosts;
mod idempotency;
mod jobs;
mod list;
#[cfg(feature = "faults")]
mod log_secrets;
#[cfg(feature = "faults")]
mod logs;
mod long_poll;
mod long_recordings;
mod memory;
mod models_catalog;
mod models_import;
mod models_import_base;
mod models_import_checkpoint;
mod models_import_checkpoint_hostile;
mod models_import_hostile;
mod models_import_parts;
mod models_import_voice;
mod nginx;
mod no_segmentation;
mod openapi;
mod plain_files;
mod priorities;
mod proxies;
mod quality;
mod quality_voiceprints;
mod queue;
mod rate_limits;
mod recognition;
mod recovery;
mod retention;
mod revoked;
mod schemas;
mod schemathesis;
mod seed_clients;
mod shares;
mod storm;
mod support;
#[cfg(feature = "faults")]
mod sweep;
mod take;
mod threat_model;
mod toolchain;
mod toy_checkpoint;
mod toy_whisper;
mod transcription;
mod upload;
mod voiceprints;
mod watchdog;
mod websocket;
#[cfg(feature = "faults")]
mod wrong_clock;
mod ws_limits;
mod ws_session;
mod ws_upload;
