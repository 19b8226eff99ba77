//! One recording for the pipeline, with everything about it that its results depend on.

use std::fs::File;

use crate::jobs::FileInfo;
use crate::jobs::options::JobOptions;
use crate::media::SourceInfo;

/// A recording to be annotated.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The recording, open for reading.
    pub recording: &'a File,
    pub size_bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'a str,
    /// What the recording was identified as.
    pub source: &'a SourceInfo,
    pub options: &'a JobOptions,
}

impl<'a> Task<'a> {
    /// The task for a recording that was identified when it was accepted.
    pub fn of(recording: &'a File, file: &'a FileInfo, options: &'a JobOptions) -> Self {
        Self { recording, size_bytes: file.size_bytes, sha256: &file.sha256, source: &file.source, options }
    }
}
