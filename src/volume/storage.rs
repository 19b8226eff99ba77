//! The condition of the volume: whether it takes files, and how much room it has.

use std::io;

use super::room::{Arriving, NoRoom, RoomLimits, WORK_BYTES};
use super::{Folder, Volume};
use crate::access::limits::Client;
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
    /// Sets how the disk's room is divided.
    pub fn divide_room(&self, limits: RoomLimits) {
        self.room().divide(limits);
    }

    /// Whether there is room for a recording of this size, as far as it is known, and for the work on it.
    ///
    /// # Errors
    /// When there is none, for anybody or for this client.
    pub fn check_room(&self, client: Option<&Client>, size: u64) -> Result<(), NoRoom> {
        self.room().check(client, size)
    }

    /// The room of all recordings that are arriving.
    pub fn arriving(&self) -> Arriving {
        self.room().arriving()
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
        volume.divide_room(RoomLimits { reserve: u64::MAX, client_share: 1.0 });
        assert_eq!((volume.is_writable(), volume.can_work()), (Writable::Full, true));
    }
}
