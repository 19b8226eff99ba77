//! A recording that is arriving: streamed into `temp/`, and moved to `incoming/` only when it is complete and valid.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::disk::Disk;
use super::room::{NoRoom, Promise};
use super::stream::{Stream, blocking};
use super::{Folder, Volume, record};
use crate::access::limits::Client;
use crate::jobs::{Job, JobId};

/// Why a recording could not be received.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The recording is larger than allowed.
    #[error("the recording is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    /// The volume is full.
    #[error("the volume is full")]
    Full(#[source] io::Error),
    /// No more room can be promised to it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The volume failed in another way.
    #[error("the recording could not be written")]
    Io(#[source] io::Error),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::Full(error)
        } else {
            Self::Io(error)
        }
    }
}

/// A recording that is arriving. Dropped before it is accepted, it leaves nothing behind.
#[derive(Debug)]
pub struct Spool {
    id: JobId,
    folder: Folded,
    file: Option<Stream>,
    limit: u64,
    promise: Promise,
    written: u64,
    digest: Sha256,
}

/// What is known of a recording before it arrives.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The job that it will become.
    pub id: JobId,
    /// The client whose share of the room it takes.
    pub client: Option<Client>,
    /// Its size in bytes, if the client has said it.
    pub size: Option<u64>,
}

/// A folder in `temp/` that is removed when dropped.
#[derive(Debug)]
struct Folded {
    path: PathBuf,
    disk: Disk,
}

impl Drop for Folded {
    fn drop(&mut self) {
        // Already moved if the recording was accepted; a folder that cannot be removed now is removed at the next start.
        let _swept_later = self.disk.remove_folder(&self.path);
    }
}

impl Volume {
    /// Opens a place for a new recording of at most `limit` bytes.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub async fn spool(&self, announced: Announced, limit: u64) -> Result<Spool, SpoolError> {
        let Announced { id, client, size } = announced;
        let promise = self.room().begin(client, size);
        let folder = Folded { path: self.job_folder(Folder::Temp, id), disk: self.disk().clone() };
        let (folder, file) = blocking(move || {
            folder.disk.create_folder(&folder.path)?;
            let file = Stream::create(&folder.disk, folder.path.join("recording"))?;
            Ok((folder, file))
        })
        .await?;
        Ok(Spool { id, folder, file: Some(file), limit, promise, written: 0, digest: Sha256::new() })
    }

    /// Moves a complete recording into `incoming/`: from then on it is never lost.
    ///
    /// # Errors
    /// When the volume cannot be written to; the recording is then removed.
    pub fn accept(&self, spool: &Spool, job: &Job) -> Result<(), SpoolError> {
        let folder = &spool.folder.path;
        self.disk().rename(&folder.join("recording"), &folder.join(record::recording_name(job.file.source.format)))?;
        self.write_record(folder, job)?;
        self.take_in(folder, job.id)?;
        Ok(())
    }
}

impl Spool {
    /// The job that this recording will become.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Opens the bytes that have arrived, for probing, when it is called, which blocks.
    pub fn opener(&self) -> impl FnOnce() -> io::Result<File> + Send + use<> {
        let (disk, path) = (self.folder.disk.clone(), self.folder.path.join("recording"));
        move || disk.open(&path)
    }

    /// The number of bytes that have arrived.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When it becomes too large, there is no room for it, or the volume cannot be written to.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let taken = self.take(bytes).await;
        if taken.is_err()
            && let Some(file) = self.file.take()
        {
            // Its room is free for the next recording.
            file.abandon().await;
        }
        taken
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            return Err(SpoolError::TooLarge { limit: self.limit });
        }
        self.promise.cover(bytes.len() as u64)?;
        self.digest.update(bytes);
        if let Some(file) = &mut self.file {
            file.write(bytes).await?;
        }
        self.promise.redeem(bytes.len() as u64);
        Ok(())
    }

    /// All bytes have arrived: flushes them to the disk and closes the file.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub async fn finish(&mut self) -> Result<(), SpoolError> {
        if let Some(file) = self.file.take() {
            file.finish().await?;
        }
        Ok(())
    }

    /// SHA-256 of all bytes so far, in hexadecimal.
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&self.digest.clone().finalize())
    }
}
