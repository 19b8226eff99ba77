//! A recording on its way in: streamed into `temp/`, and moved to `incoming/` only when it is whole and known to be good.
#![expect(clippy::disallowed_methods, reason = "the volume module changes files")]

use std::io;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::{Folder, Volume, record, sync};
use crate::jobs::{Job, JobId};

/// Why a recording could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It is larger than allowed.
    #[error("the recording is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The volume is full.
    #[error("the volume is full")]
    Full(#[source] io::Error),
    /// Anything else.
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
    file: Option<BufWriter<File>>,
    limit: u64,
    written: u64,
    digest: Sha256,
}

/// A folder in `temp/` that is removed when dropped.
#[derive(Debug)]
struct Folded(PathBuf);

impl Drop for Folded {
    fn drop(&mut self) {
        // Gone already when the recording was accepted; what cannot be removed now is swept at the next start.
        let _swept_later = std::fs::remove_dir_all(&self.0);
    }
}

impl Volume {
    /// Opens a place for a new recording of at most `limit` bytes.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub async fn spool(&self, id: JobId, limit: u64) -> Result<Spool, SpoolError> {
        let folder = Folded(self.job_folder(Folder::Temp, id));
        tokio::fs::create_dir(&folder.0).await?;
        let file = File::create(folder.0.join("recording")).await?;
        Ok(Spool { id, folder, file: Some(BufWriter::with_capacity(256 * 1024, file)), limit, written: 0, digest: Sha256::new() })
    }

    /// Moves a whole recording into `incoming/`: from here on it is never lost.
    ///
    /// # Errors
    /// When the volume does not take it; the recording is then gone.
    pub fn accept(&self, spool: &Spool, job: &Job) -> Result<(), SpoolError> {
        let folder = &spool.folder.0;
        std::fs::rename(folder.join("recording"), folder.join(record::recording_name(&job.file.format)))?;
        sync::write_file(&folder.join(record::JOB_FILE), &record::encode(job))?;
        sync::move_folder(folder, &self.job_folder(Folder::Incoming, job.id))?;
        Ok(())
    }
}

impl Spool {
    /// The job that this recording will become.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Where the bytes are; for probing.
    pub fn path(&self) -> PathBuf {
        self.folder.0.join("recording")
    }

    /// How many bytes have arrived.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When it becomes too large or the volume does not take it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            return Err(SpoolError::TooLarge { limit: self.limit });
        }
        self.digest.update(bytes);
        if let Some(file) = &mut self.file {
            file.write_all(bytes).await?;
        }
        Ok(())
    }

    /// All bytes have arrived: flushes them to the disk and closes the file.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub async fn finish(&mut self) -> Result<(), SpoolError> {
        if let Some(mut file) = self.file.take() {
            file.flush().await?;
            file.get_ref().sync_all().await?;
        }
        Ok(())
    }

    /// SHA-256 of all bytes so far, in hexadecimal.
    pub fn sha256(&self) -> String {
        hexadecimal(&self.digest.clone().finalize())
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "{byte:02x}");
        text
    })
}
