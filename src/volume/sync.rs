//! Durable writing: a file is flushed before it gets its name, and its folder after.

use std::io;
use std::path::Path;

use tracing::warn;

use super::disk::Disk;
use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId};

impl Volume {
    /// Writes a file under a temporary name, flushes it to the disk, and gives it its name. The temporary name is in
    /// `temp/`: what a server that dies leaves of it is swept there, and no folder of a job ever holds half a file.
    pub(super) fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.folder(Folder::Temp).join(format!(".{}.tmp", JobId::random()));
        let disk = self.disk();
        let named = write_flushed(disk, &temporary, bytes).and_then(|()| disk.rename(&temporary, path));
        if let Err(error) = named {
            // It may not exist; and a file that cannot be removed now is removed at the next start.
            let _swept_later = disk.remove_file(&temporary);
            return Err(error);
        }
        path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
    }

    /// Writes the record of a job into its folder, sealed.
    pub(super) fn write_record(&self, folder: &Path, job: &Job) -> io::Result<()> {
        self.write_file(&folder.join(record::JOB_FILE), &self.seal().put_on(&record::encode(job))?)
    }

    /// Moves a folder to another place of the volume, for good.
    pub(super) fn move_folder(&self, from: &Path, to: &Path) -> io::Result<()> {
        let disk = self.disk();
        disk.rename(from, to)?;
        for parent in [to.parent(), from.parent()].into_iter().flatten() {
            // It has moved: reporting that it has not would be worse than trusting the disk with the rest.
            if let Err(error) = disk.sync_folder(parent) {
                warn!(event = "sync_failed", cause = %error, "A folder could not be flushed to the disk");
            }
        }
        Ok(())
    }

    /// Moves a folder with a new recording into `incoming/`. The client gets its answer after that, so the move is undone when
    /// the disk does not confirm it.
    pub(super) fn take_in(&self, from: &Path, id: JobId) -> io::Result<()> {
        let to = self.job_folder(Folder::Incoming, id);
        let disk = self.disk();
        disk.rename(from, &to)?;
        let Err(error) = disk.sync_folder(&self.folder(Folder::Incoming)) else { return Ok(()) };
        match disk.rename(&to, from) {
            Ok(()) => Err(error),
            Err(stays) => {
                warn!(event = "sync_failed", cause = %stays, "A folder could not be flushed to the disk");
                Ok(())
            }
        }
    }

    /// Removes files of a folder that an earlier attempt may have left there; whether there were any.
    pub(super) fn clear(&self, folder: &Path, names: &[&str]) -> io::Result<bool> {
        let mut removed = false;
        for name in names {
            match self.disk().remove_file(&folder.join(name)) {
                Ok(()) => removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}

/// Writes a file and flushes it to the disk.
pub(super) fn write_flushed(disk: &Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.create(path)?;
    disk.write(&file, path, bytes)?;
    disk.sync(&file, path)
}
