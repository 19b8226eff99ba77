//! CallAnnotate: a recorded telephone call goes in, an annotation comes out.

pub mod audio;
pub mod context;
pub mod diarize;
pub mod inference;
pub mod jobs;
pub mod models;
pub mod stop;
pub mod transcribe;
pub mod voiceprint;
