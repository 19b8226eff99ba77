//! How much room there is on the volume's disk: some stays free, and what is promised to recordings on their way is not
//! promised twice.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Folder, Volume};
use crate::jobs::JobId;

/// What a job needs beside its recording, in bytes: its record, its checkpoints and its result. A minute of talk takes about
/// 20 KB in each of the two, and the smallest codecs bring a minute in 40 KB; four hours of talk stay below the bound.
pub(super) const WORK_BYTES: (u64, u64) = (1024 * 1024, 16 * 1024 * 1024);

/// Bytes without which no further job is begun.
const LEAST_TO_WORK: u64 = WORK_BYTES.0;

/// What is kept free, and what is promised.
#[derive(Debug, Default)]
pub(super) struct Room {
    reserve: AtomicU64,
    promised: AtomicU64,
}

/// Room for a recording that is arriving; what it does not take is given back when this is dropped.
#[derive(Debug)]
pub struct Promise {
    volume: Volume,
    left: u64,
}

/// There is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room on the volume")]
pub struct NoRoom;

/// Whether the volume takes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    /// It does.
    Yes,
    /// It does, but there is too little room for more recordings, or none at all.
    Full,
    /// It does not.
    No,
}

impl Volume {
    /// So many bytes of the disk are to stay free of recordings.
    pub fn keep_free(&self, bytes: u64) {
        self.room().reserve.store(bytes, Ordering::Relaxed);
    }

    /// Promises room for a recording of this size, as far as it is known, and for the work on it.
    ///
    /// # Errors
    /// When there is none.
    pub fn promise(&self, size: u64) -> Result<Promise, NoRoom> {
        let promise = Promise { volume: self.clone(), left: size };
        // Counted before it is compared: of two that ask at once, one may be refused, but never both be let in wrongly.
        let promised = self.room().promised.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        let work = (size / 2).clamp(WORK_BYTES.0, WORK_BYTES.1);
        if self.has(promised.saturating_add(work)) { Ok(promise) } else { Err(NoRoom) }
    }

    /// Whether there are so many bytes beside those that stay free. A system that does not tell has them.
    pub(super) fn has(&self, bytes: u64) -> bool {
        let needed = self.room().reserve.load(Ordering::Relaxed).saturating_add(bytes);
        self.free_bytes().is_none_or(|free| free >= needed)
    }

    /// Whether there is room to begin a job: the reserve is there to be worked in.
    pub fn can_work(&self) -> bool {
        self.free_bytes().is_none_or(|free| free >= LEAST_TO_WORK)
    }

    /// Bytes that can still be written, when the system tells.
    pub fn free_bytes(&self) -> Option<u64> {
        free_bytes(self.path())
    }

    /// Whether files can still be written; for health.
    pub fn is_writable(&self) -> Writable {
        // A name of its own: several may ask at once.
        let probe = self.folder(Folder::Temp).join(format!(".health-{}", JobId::random()));
        let disk = self.disk();
        let written = disk.create(&probe).and_then(|file| disk.write(&file, &probe, b"ok"));
        // Removed in any case: a full disk takes the file and not what is in it.
        match disk.remove_file(&probe).and(written) {
            Ok(()) if self.has(WORK_BYTES.0) => Writable::Yes,
            Ok(()) => Writable::Full,
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Writable::Full,
            Err(_) => Writable::No,
        }
    }
}

/// Bytes that can still be written to the disk of a folder, when the system tells.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl Promise {
    /// So many bytes have been written: the disk itself tells of them from now on.
    pub(super) fn redeem(&mut self, bytes: u64) {
        let redeemed = bytes.min(self.left);
        self.left -= redeemed;
        self.volume.room().promised.fetch_sub(redeemed, Ordering::Relaxed);
    }

    /// Whether what arrives beyond what was promised still leaves enough free.
    pub(super) fn may_go_on(&self) -> bool {
        self.left > 0 || self.volume.has(0)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.redeem(self.left);
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn room_is_promised_once_and_given_back() {
        let folder = TempDir::new().unwrap();
        let volume = Volume::open(folder.path()).unwrap();
        // Half of what is free is more than anybody else takes meanwhile.
        let half = volume.free_bytes().unwrap() / 2;
        let mut first = volume.promise(half).unwrap();
        assert_eq!(volume.promise(half).unwrap_err(), NoRoom);
        // The refused one holds nothing, and what has been written is no promise any more.
        assert_eq!(volume.room().promised.load(Ordering::Relaxed), half);
        first.redeem(half - 10);
        assert_eq!(volume.room().promised.load(Ordering::Relaxed), 10);
        drop(first);
        assert_eq!(volume.room().promised.load(Ordering::Relaxed), 0);
        volume.keep_free(u64::MAX);
        assert_eq!(volume.promise(0).unwrap_err(), NoRoom);
        assert_eq!((volume.is_writable(), volume.can_work()), (Writable::Full, true));
    }
}
