//! Identifies a recording: size, container, codec, length, and the hash of its bytes. Reads files and changes none.

use super::Intake;
use super::error::IntakeError;
use crate::audio::decode::{self, DecodeError};
use crate::lifecycle::{Recording, StoreError};
use crate::media::Headerless;
use crate::media::SourceInfo;

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
