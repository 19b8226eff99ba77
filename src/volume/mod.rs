//! The volume: the only store, and the only module that changes files while the server runs.
//!
//! A job is one folder. It moves from one state folder to the next by one `rename`, after everything in it was written
//! under a temporary name, flushed, and renamed: no half-written file is ever visible under its real name. What an operator
//! sees in the folders is therefore true, and a start needs nothing else to know every job.
//!
//! The steps write the jobs that they are given. Only [`crate::lifecycle`] calls those that change a job.

mod acceptance;
mod adopt;
mod arrivals;
mod cancellation;
mod checkpoints;
mod disk;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keys;
mod logs;
mod looks;
mod naming;
mod origin;
mod place;
mod record;
mod recover;
mod retention;
mod room;
mod scratch;
mod seal;
mod speed;
mod spool;
mod steps;
mod storage;
mod stream;
mod sync;
mod trials;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use acceptance::{Refused, Wanted};
pub use arrivals::{Arrival, DropFolder, Imprint, Listing};
pub use checkpoints::CheckpointFile;
#[cfg(feature = "faults")]
pub use disk::faults::{Counted, FULL_FOR, Fault, Faults};
#[cfg(feature = "faults")]
pub use disk::operation::Operation;
pub use keys::{KeyFile, KeyFileError, Stamp};
pub use logs::{LogFiles, LogLimits};
pub use looks::Look;
pub use naming::ResultNames;
pub use place::Place;
pub use recover::{FoundAs, Recovered, RecoveredJob};
pub use retention::Footprint;
pub use room::{Arriving, NoRoom, RoomLimits};
pub use scratch::scratch_in;
pub use spool::{Announced, Spool, SpoolError};
pub use storage::Writable;
pub use trials::read_trials;

use crate::jobs::{JobId, JobState};
use disk::Disk;
use origin::Origin;
use room::Room;
use seal::Seal;

/// The folders of the states, and what else the volume holds.
const FOLDERS: [&str; 12] = [
    "incoming",
    "processing",
    "completed",
    "failed",
    "archived",
    "logs",
    "temp",
    "models/whisper",
    "models/segmentation",
    "models/speaker",
    "models/vad",
    "models/embeddings",
];

/// Mode of the lock file, which is empty: only its owner may write it.
const LOCK_MODE: u32 = 0o644;

/// A folder of a state, or `temp/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
enum Folder {
    Incoming,
    Processing,
    Completed,
    Failed,
    Archived,
    Temp,
}

impl Folder {
    /// Where jobs can lie.
    const OF_JOBS: [Self; 5] = [Self::Incoming, Self::Processing, Self::Completed, Self::Failed, Self::Archived];

    fn name(self) -> &'static str {
        self.into()
    }

    const fn of(state: &JobState) -> Self {
        match state {
            JobState::Queued => Self::Incoming,
            JobState::Processing { .. } => Self::Processing,
            JobState::Completed { .. } => Self::Completed,
            JobState::Failed { .. } | JobState::Cancelled { .. } => Self::Failed,
            JobState::Archived { .. } => Self::Archived,
        }
    }
}

/// Why the volume cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be created or written to.
    #[error("the volume {path} cannot be used: {source}")]
    Unusable { path: PathBuf, source: io::Error },
    /// Another server holds its lock.
    #[error("the volume {path} is in use by another callannotate server")]
    InUse { path: PathBuf },
}

/// The handle of an open volume; clones share it.
#[derive(Clone, Debug)]
pub struct Volume(Arc<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    disk: Disk,
    room: Arc<Room>,
    seal: Seal,
    /// How often the server has died while it examined a dropped file, by the names of their notes.
    deaths: Mutex<HashMap<String, u32>>,
    /// Number of folders of jobs that the last start refused.
    refused: AtomicUsize,
    /// Folders in `temp/` whose files could not be given back to `incoming/` yet.
    stranded: Mutex<Vec<(PathBuf, Origin)>>,
    /// Kept locked while the server lives, so that two servers never work on one volume.
    lock: File,
}

impl Drop for Root {
    /// Lets the next server have the volume at once: a process that is just being started has a copy of the descriptor.
    fn drop(&mut self) {
        // The lock ends with the process in any case.
        let _freed = self.lock.unlock();
    }
}

impl Volume {
    /// Opens the volume for this server alone, and makes the folders that are missing.
    ///
    /// # Errors
    /// When it cannot be written to, or another server has it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_on(path, Disk::below(path))
    }

    /// The same, with a disk that fails where a test wants it to.
    ///
    /// # Errors
    /// As [`Volume::open`].
    #[cfg(feature = "faults")]
    pub fn open_with(path: &Path, faults: Faults) -> Result<Self, OpenError> {
        Self::open_on(path, Disk::failing(path, faults))
    }

    fn open_on(path: &Path, disk: Disk) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { path: path.to_path_buf(), source };
        for folder in FOLDERS {
            disk.create_folders(&path.join(folder)).map_err(unusable)?;
        }
        let lock = disk.open_lock(&path.join("temp/.lock"), LOCK_MODE).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_path_buf() }),
            Err(std::fs::TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let seal = Seal::open(&disk, path).map_err(unusable)?;
        Ok(Self(Arc::new(Root {
            path: path.to_path_buf(),
            disk,
            room: Arc::new(Room::of(path)),
            seal,
            deaths: Mutex::default(),
            refused: AtomicUsize::default(),
            stranded: Mutex::default(),
            lock,
        })))
    }

    /// The root folder of the volume.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The folder of the enrolled voices.
    pub fn embeddings(&self) -> PathBuf {
        self.0.path.join("models/embeddings")
    }

    fn stranded(&self) -> MutexGuard<'_, Vec<(PathBuf, Origin)>> {
        self.0.stranded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self) -> &Arc<Room> {
        &self.0.room
    }

    fn disk(&self) -> &Disk {
        &self.0.disk
    }

    fn seal(&self) -> &Seal {
        &self.0.seal
    }

    fn folder(&self, folder: Folder) -> PathBuf {
        self.0.path.join(folder.name())
    }

    fn job_folder(&self, folder: Folder, id: JobId) -> PathBuf {
        self.folder(folder).join(id.to_string())
    }
}
