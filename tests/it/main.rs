//! The integration tests.

mod models_catalog;
mod models_import;
mod models_import_hostile;
mod toy_whisper;
