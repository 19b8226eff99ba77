//! Helpers shared by the integration tests.

pub mod app;
pub mod archive;
pub mod audio;
pub mod der;
pub mod diarizers;
pub mod dropping;
pub mod ggml;
pub mod hostile;
pub mod models;
pub mod needs;
pub mod neighbours;
pub mod nginx;
#[cfg(feature = "faults")]
pub mod observed;
#[cfg(feature = "faults")]
pub mod onnx;
pub mod process;
pub mod scripted;
pub mod sides;
pub mod socket;
pub mod sound;
pub mod stream;
pub mod wer;
