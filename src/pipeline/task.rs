//! One recording for the pipeline, with everything about it that its results depend on.

use std::path::Path;

use crate::audio::headerless::Headerless;
use crate::jobs::FileInfo;
use crate::jobs::options::JobOptions;

/// A recording to be annotated.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Path of the recording.
    pub recording: &'a Path,
    pub size_bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'a str,
    /// The encoding of its samples, when the file has no header.
    pub headerless: Option<Headerless>,
    pub options: &'a JobOptions,
}

impl<'a> Task<'a> {
    /// The task for a recording that was identified when it was accepted.
    pub fn of(recording: &'a Path, file: &'a FileInfo, options: &'a JobOptions) -> Self {
        let headerless = Headerless::from_facts(&file.format, &file.codec, file.sample_rate, file.channels);
        Self { recording, size_bytes: file.size_bytes, sha256: &file.sha256, headerless, options }
    }
}
