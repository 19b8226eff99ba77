//! Which models there are, where they lie, and how they come.

pub mod ggml;

/// A model as the published document names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// For example `ggml-tiny.en-q8_0`.
    pub name: String,
    /// For example `whisper.cpp` or `rten`.
    pub framework: &'static str,
    /// `cpu`.
    pub device: &'static str,
    /// SPDX, or none when the file does not say.
    pub license: Option<&'static str>,
}
