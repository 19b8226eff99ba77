//! Reads results and recordings from the store, and measures its condition.

use std::fs::File;
use std::io::Read;
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
    /// Number of folders that the start refused, because they hold no job of this server.
    pub refused_folders: usize,
}

/// The content of a file.
#[derive(Debug)]
pub enum Content {
    Whole(Vec<u8>),
    /// Too large to be read at once: open, with its length in bytes.
    Large(File, u64),
}

impl Lifecycle {
    /// The published result of a completed job: its bytes if there are at most `max_whole` of them.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub async fn read_result(&self, id: JobId, max_whole: u64) -> Result<Content, StoreError> {
        self.step(move |inner| {
            let (mut file, length) = inner.volume.open_result(id).map_err(StoreError::from)?;
            if length > max_whole {
                return Ok(Content::Large(file, length));
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(StoreError::from)?;
            Ok::<_, StoreError>(Content::Whole(bytes))
        })
        .await
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
            let (arriving, refused_folders) = (volume.arriving(), volume.refused_folders());
            Ok::<_, StoreError>(Storage { writable, log_bytes, free_bytes, arriving, refused_folders })
        });
        let arriving = self.0.volume.arriving();
        measured.await.unwrap_or(Storage { writable: Writable::No, log_bytes: 0, free_bytes: None, arriving, refused_folders: 0 })
    }
}
