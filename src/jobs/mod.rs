//! What a job is. No HTTP, no audio and no files here.

pub mod stage;
