//! Scratch files for data of a job that is too large for memory. Their names are removed before anything is written, so a crash
//! leaves none behind; a crash in between leaves an empty file in `temp/`, which the next start removes.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::disk::Disk;
use super::room::{self, WORK_BYTES};
use super::{Folder, Volume};
use crate::jobs::JobId;
use crate::scratch::{Scratch, ScratchFile, ScratchSpace};

impl Volume {
    /// Scratch space for the running job. It may use the reserve, but leaves room for the job's result.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(Space { folder: self.folder(Folder::Temp), disk: self.disk().clone() })
    }
}

/// The same in a folder that is no volume's, for work without a server.
pub fn scratch_in(folder: PathBuf) -> Scratch {
    Scratch::new(Space { disk: Disk::below(&folder), folder })
}

struct Space {
    folder: PathBuf,
    disk: Disk,
}

impl ScratchSpace for Space {
    fn has_room(&self, bytes: u64) -> bool {
        room::free_bytes(&self.folder).is_none_or(|free| free >= bytes.saturating_add(WORK_BYTES.1))
    }

    fn create(&self) -> io::Result<Box<dyn ScratchFile>> {
        let path = self.folder.join(format!(".{}.tmp", JobId::random()));
        let file = self.disk.create_to_read(&path)?;
        self.disk.remove_file(&path)?;
        Ok(Box::new(Nameless { path, file, disk: self.disk.clone() }))
    }
}

/// A file without a name; the path is the one it had, for errors.
struct Nameless {
    path: PathBuf,
    file: File,
    disk: Disk,
}

impl ScratchFile for Nameless {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.write(&self.file, &self.path, bytes)
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(&self.file, &self.path, at, bytes)
    }
}
