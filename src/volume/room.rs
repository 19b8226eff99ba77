//! Room on the volume's disk: a reserve stays free, and room that is promised to arriving recordings is not promised twice.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that a job needs beside its recording, at least and at most: its record, its checkpoints and its result. A minute of
/// speech takes about 20 KB in each of the two, and the smallest codecs hold a minute in 40 KB; four hours of speech stay below
/// the upper bound.
pub(super) const WORK_BYTES: (u64, u64) = (1024 * 1024, 16 * 1024 * 1024);

/// Free bytes without which no further job is started.
const LEAST_TO_WORK: u64 = WORK_BYTES.0;

/// The reserve that is kept free, and the bytes that are promised.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    reserve: AtomicU64,
    promised: AtomicU64,
}

/// Room for a recording that is arriving; what it does not use is released when this is dropped.
#[derive(Debug)]
pub struct Promise {
    room: Arc<Room>,
    left: u64,
}

/// There is no room on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room on the volume")]
pub struct NoRoom;

impl Room {
    /// The room on the disk of this folder, with nothing reserved.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), reserve: AtomicU64::default(), promised: AtomicU64::default() }
    }

    /// Sets how many bytes of the disk stay free of recordings.
    pub(super) fn keep_free(&self, bytes: u64) {
        self.reserve.store(bytes, Ordering::Relaxed);
    }

    /// Promises room for a recording of this size, as far as it is known, and for the work on it.
    pub(super) fn promise(self: &Arc<Self>, size: u64) -> Result<Promise, NoRoom> {
        let promise = Promise { room: Arc::clone(self), left: size };
        // Counted before it is compared: of two concurrent requests one may be refused, but never are both admitted by mistake.
        let promised = self.promised.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        let work = (size / 2).clamp(WORK_BYTES.0, WORK_BYTES.1);
        if self.has(promised.saturating_add(work)) { Ok(promise) } else { Err(NoRoom) }
    }

    /// Whether this many bytes are free beside the reserve. A system that does not report it counts as having them.
    pub(super) fn has(&self, bytes: u64) -> bool {
        let needed = self.reserve.load(Ordering::Relaxed).saturating_add(bytes);
        self.free_bytes().is_none_or(|free| free >= needed)
    }

    /// Whether there is room to start a job: jobs may use the reserve.
    pub(super) fn can_work(&self) -> bool {
        self.free_bytes().is_none_or(|free| free >= LEAST_TO_WORK)
    }

    /// Bytes that can still be written, when the system reports it.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.folder)
    }
}

/// Bytes that can still be written to the disk of a folder, when the system reports it.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl Promise {
    /// This many bytes have been written: the disk itself accounts for them from now on.
    pub(super) fn redeem(&mut self, bytes: u64) {
        let redeemed = bytes.min(self.left);
        self.left -= redeemed;
        self.room.promised.fetch_sub(redeemed, Ordering::Relaxed);
    }

    /// Whether bytes beyond the promise still leave the reserve free.
    pub(super) fn may_go_on(&self) -> bool {
        self.left > 0 || self.room.has(0)
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
        let room = Arc::new(Room::of(folder.path()));
        // Half of the free room is more than other programs use meanwhile.
        let half = room.free_bytes().unwrap() / 2;
        let mut first = room.promise(half).unwrap();
        assert_eq!(room.promise(half).unwrap_err(), NoRoom);
        // The refused one holds nothing, and written bytes no longer count as promised.
        assert_eq!(room.promised.load(Ordering::Relaxed), half);
        first.redeem(half - 10);
        assert_eq!(room.promised.load(Ordering::Relaxed), 10);
        drop(first);
        assert_eq!(room.promised.load(Ordering::Relaxed), 0);
        room.keep_free(u64::MAX);
        assert_eq!(room.promise(0).unwrap_err(), NoRoom);
        assert!(room.can_work());
    }
}
