//! The condition of the volume: whether it takes files, and how much room it has.

use std::io;

use super::room::{NoRoom, Promise, WORK_BYTES};
use super::{Folder, Volume};
use crate::jobs::JobId;

/// Whether the volume takes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    Yes,
    /// Files can be written, but there is too little room for more recordings, or none at all.
    Full,
    No,
}

impl Volume {
    /// Sets how many bytes of the disk stay free of recordings.
    pub fn keep_free(&self, bytes: u64) {
        self.room().keep_free(bytes);
    }

    /// Promises room for a recording of this size, as far as it is known, and for the work on it.
    ///
    /// # Errors
    /// When there is none.
    pub fn promise(&self, size: u64) -> Result<Promise, NoRoom> {
        self.room().promise(size)
    }

    /// Whether there is room to start a job: jobs may use the reserve.
    pub fn can_work(&self) -> bool {
        self.room().can_work()
    }

    /// Bytes that can still be written, when the system reports it.
    pub fn free_bytes(&self) -> Option<u64> {
        self.room().free_bytes()
    }

    /// Writes and removes a file, to know whether files can still be written.
    pub fn is_writable(&self) -> Writable {
        // Under a unique name: several requests may do this concurrently.
        let probe = self.folder(Folder::Temp).join(format!(".health-{}", JobId::random()));
        let disk = self.disk();
        let written = disk.create(&probe).and_then(|file| disk.write(&file, &probe, b"ok"));
        // Removed in any case: a full disk accepts the file but not its content.
        match disk.remove_file(&probe).and(written) {
            Ok(()) if self.room().has(WORK_BYTES.0) => Writable::Yes,
            Ok(()) => Writable::Full,
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Writable::Full,
            Err(_) => Writable::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn without_room_for_recordings_the_volume_is_full_and_can_still_be_worked_on() {
        let folder = TempDir::new().unwrap();
        let volume = Volume::open(folder.path()).unwrap();
        assert_eq!(volume.is_writable(), Writable::Yes);
        volume.keep_free(u64::MAX);
        assert_eq!((volume.is_writable(), volume.can_work()), (Writable::Full, true));
    }
}
