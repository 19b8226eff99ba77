//! Reads results and recordings from the store, and measures its condition.

use std::fs::File;
use std::sync::Arc;

use super::{Lifecycle, StoreError};
use crate::jobs::{Job, JobId};
use crate::volume::{Arriving, Writable};

/// The condition of the store, for health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    pub writable: Writable,
    /// Size of the log files.
    pub log_bytes: u64,
    /// Free space, where the system reports it.
    pub free_bytes: Option<u64>,
    /// The room of recordings that are arriving.
    pub arriving: Arriving,
}

impl Lifecycle {
    /// The bytes of the published result of a completed job.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub async fn read_result(&self, id: JobId) -> Result<Vec<u8>, StoreError> {
        self.step(move |inner| Ok(inner.volume.read_result(id)?)).await
    }

    /// A job as it stands after any change that is in progress has been completed.
    pub async fn find_settled(&self, id: JobId) -> Option<Arc<Job>> {
        let _settled = self.0.locks.hold(id).await;
        self.0.registry.find(id)
    }

    /// Opens the recording of a job in whichever state folder it is; returns it with its length in bytes.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub async fn open_recording(&self, job: &Arc<Job>) -> Result<(File, u64), StoreError> {
        let job = Arc::clone(job);
        self.step(move |inner| Ok(inner.volume.open_recording(&job)?)).await
    }

    /// Measures the condition of the store.
    pub async fn storage(&self) -> Storage {
        let measured = self.step(|inner| {
            let volume = &inner.volume;
            let (writable, log_bytes, free_bytes) = (volume.is_writable(), volume.log_bytes(), volume.free_bytes());
            Ok::<_, StoreError>(Storage { writable, log_bytes, free_bytes, arriving: volume.arriving() })
        });
        let unknown = Storage { writable: Writable::No, log_bytes: 0, free_bytes: None, arriving: self.0.volume.arriving() };
        measured.await.unwrap_or(unknown)
    }
}
