//! What a recording is: its size, its container and codec, its length, and the hash of its bytes. Reads files and changes none.

use super::{Intake, IntakeError};
use crate::audio::SourceInfo;
use crate::audio::decode::{self, DecodeError};
use crate::audio::headerless::Headerless;
use crate::jobs::FileInfo;
use crate::lifecycle::{Recording, StoreError};

/// Stands for the format and the codec of a file that is no recording.
const UNKNOWN: &str = "unknown";

impl Intake {
    /// Checks the size of a recording and identifies it, on a thread of its own; a few at a time.
    pub(super) async fn identify(&self, recording: &Recording, declared: Option<Headerless>) -> Result<SourceInfo, IntakeError> {
        let (size, limits) = (recording.size(), *self.limits());
        if size > limits.max_file_bytes {
            return Err(IntakeError::TooLarge { size: Some(size), limit: limits.max_file_bytes });
        }
        if size == 0 {
            return Err(DecodeError::Empty.into());
        }
        let _permit = self.0.probes.acquire().await.map_err(|error| StoreError::Failed(error.to_string()))?;
        let path = recording.path();
        let probed = tokio::task::spawn_blocking(move || decode::probe_as(&path, declared, &limits.decode)).await;
        Ok(probed.map_err(|error| StoreError::Failed(format!("probing a recording: {error}")))??)
    }

    /// SHA-256 of a recording in hexadecimal. A received one was hashed on its way.
    pub(super) async fn hash(&self, recording: &Recording) -> Result<String, StoreError> {
        let arrival = match recording {
            Recording::Spooled(spool) => return Ok(spool.sha256()),
            Recording::Dropped(arrival) => arrival.clone(),
        };
        let hashed = tokio::task::spawn_blocking(move || arrival.sha256()).await;
        Ok(hashed.map_err(|error| StoreError::Failed(format!("reading a file: {error}")))??)
    }
}

/// A recording as its job keeps it.
pub(super) fn describe(filename: String, size_bytes: u64, sha256: String, source: &SourceInfo) -> FileInfo {
    FileInfo {
        filename,
        size_bytes,
        format: source.format.to_owned(),
        codec: source.codec.clone(),
        sample_rate: source.sample_rate,
        channels: source.channels,
        duration_seconds: source.duration.as_seconds(),
        sha256,
    }
}

/// A file that could not be identified.
pub(super) fn unknown(filename: String, size_bytes: u64, sha256: String) -> FileInfo {
    FileInfo {
        filename,
        size_bytes,
        format: UNKNOWN.to_owned(),
        codec: UNKNOWN.to_owned(),
        sample_rate: 0,
        channels: 0,
        duration_seconds: 0.0,
        sha256,
    }
}
