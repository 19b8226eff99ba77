//! Room on the volume's disk: a reserve stays free, and room that is promised to arriving recordings is not promised twice.
//!
//! A recording is promised room as its bytes arrive, a small step ahead. What a client merely announces takes nothing from
//! others: it is compared with the free room once, so that a recording that cannot fit is refused before it is sent. What a
//! client has sent of unfinished uploads counts against its share, so that no client can hold all room with uploads that it
//! never ends.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::limits::Client;

/// Bytes that a job needs beside its recording, at least and at most: its record, its checkpoints and its result. A minute of
/// speech takes about 20 KB in each of the two, and the smallest codecs hold a minute in 40 KB; four hours of speech stay below
/// the upper bound.
pub(super) const WORK_BYTES: (u64, u64) = (1024 * 1024, 16 * 1024 * 1024);

/// Free bytes without which no further job is started.
const LEAST_TO_WORK: u64 = WORK_BYTES.0;

/// The first and the largest step by which room is promised ahead, in bytes. A step is as large as what has arrived already,
/// so that a small recording is promised little, and a large one seldom asks.
const STEP_BYTES: (u64, u64) = (64 * 1024, 4 * 1024 * 1024);

/// How the room is divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoomLimits {
    /// Bytes of the disk that stay free of recordings.
    pub reserve: u64,
    /// The part of the other room that the unfinished uploads of one client may take, above 0 up to 1.
    pub client_share: f64,
}

impl Default for RoomLimits {
    /// Nothing is reserved, and a client may take everything.
    fn default() -> Self {
        Self { reserve: 0, client_share: 1.0 }
    }
}

/// The room of recordings that are arriving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arriving {
    /// Recordings whose bytes are arriving.
    pub uploads: u64,
    /// Bytes that they have sent, which lie in `temp/`.
    pub received_bytes: u64,
    /// Bytes that are promised to them beyond that.
    pub promised_bytes: u64,
}

/// The disk, how it is divided, and who is promised how much of it.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    limits: RoomLimits,
    arriving: Arriving,
    /// Sent and promised bytes by client.
    by_client: HashMap<Client, u64>,
}

/// The room of a recording that is arriving. It is released when this is dropped: by then the recording was accepted, and the
/// disk itself accounts for it, or removed.
#[derive(Debug)]
pub(super) struct Promise {
    room: Arc<Room>,
    client: Option<Client>,
    /// The whole size, if it was announced.
    announced: Option<u64>,
    received: u64,
    promised: u64,
}

/// Why there is no room for a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The disk is full, except for the reserve and what is promised to others.
    #[error("there is no room on the volume")]
    Disk,
    /// The client has its share of it.
    #[error("the unfinished uploads of the client take its share of the volume")]
    Share,
}

impl Room {
    /// The room on the disk of this folder, with nothing reserved.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), held: Mutex::default() }
    }

    /// Sets how the room is divided.
    pub(super) fn divide(&self, limits: RoomLimits) {
        self.lock().limits = limits;
    }

    /// Whether there is room for a recording of this size, as far as it is known, and for the work on it. Promises nothing.
    pub(super) fn check(&self, client: Option<&Client>, size: u64) -> Result<(), NoRoom> {
        let free = self.free_bytes();
        let work = (size / 2).clamp(WORK_BYTES.0, WORK_BYTES.1);
        self.lock().check(client, free, size, work)
    }

    /// Begins the room of a recording, of which nothing is promised yet.
    pub(super) fn begin(self: &Arc<Self>, client: Option<Client>, announced: Option<u64>) -> Promise {
        self.lock().arriving.uploads += 1;
        Promise { room: Arc::clone(self), client, announced, received: 0, promised: 0 }
    }

    /// The room of all recordings that are arriving.
    pub(super) fn arriving(&self) -> Arriving {
        self.lock().arriving
    }

    /// Whether this many bytes are free beside the reserve. A system that does not report it counts as having them.
    pub(super) fn has(&self, bytes: u64) -> bool {
        let needed = self.lock().limits.reserve.saturating_add(bytes);
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

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing under the lock can panic between two changes that belong together.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that can still be written to the disk of a folder, when the system reports it.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl Held {
    /// Whether a client may have this many bytes more, if so many are free, and that many are left for the work on them. Where
    /// the system does not report what is free, everybody may.
    fn check(&self, client: Option<&Client>, free: Option<u64>, bytes: u64, work: u64) -> Result<(), NoRoom> {
        let Some(free) = free else { return Ok(()) };
        let free = free.saturating_sub(self.limits.reserve);
        let promised = self.arriving.promised_bytes.saturating_add(bytes);
        if promised.saturating_add(work) > free {
            return Err(NoRoom::Disk);
        }
        let Some(client) = client else { return Ok(()) };
        let room = free.saturating_add(self.arriving.received_bytes);
        let share = (room as f64 * self.limits.client_share) as u64;
        let held = self.by_client.get(client).copied().unwrap_or(0);
        if held.saturating_add(bytes) > share { Err(NoRoom::Share) } else { Ok(()) }
    }
}

impl Promise {
    /// Room for the next bytes, beyond those that have arrived.
    ///
    /// # Errors
    /// When there is none, for anybody or for this client.
    pub(super) fn cover(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let Some(missing) = bytes.checked_sub(self.promised).filter(|missing| *missing > 0) else { return Ok(()) };
        let ahead = self.received.clamp(STEP_BYTES.0, STEP_BYTES.1);
        // What was announced is not exceeded, unless more arrives.
        let to_come = self.announced.map_or(u64::MAX, |size| size.saturating_sub(self.received + self.promised));
        let step = missing.max(ahead.min(to_come));
        let free = self.room.free_bytes();
        let mut held = self.room.lock();
        held.check(self.client.as_ref(), free, step, WORK_BYTES.0)?;
        held.arriving.promised_bytes += step;
        if let Some(client) = &self.client {
            *held.by_client.entry(client.clone()).or_default() += step;
        }
        self.promised += step;
        Ok(())
    }

    /// This many bytes have arrived and are being written: the disk itself accounts for them from now on.
    pub(super) fn redeem(&mut self, bytes: u64) {
        let bytes = bytes.min(self.promised);
        self.promised -= bytes;
        self.received += bytes;
        let mut held = self.room.lock();
        held.arriving.promised_bytes -= bytes;
        held.arriving.received_bytes += bytes;
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let mut held = self.room.lock();
        held.arriving.uploads -= 1;
        held.arriving.promised_bytes -= self.promised;
        held.arriving.received_bytes -= self.received;
        if let Some(client) = self.client.take()
            && let Some(bytes) = held.by_client.get_mut(&client)
        {
            *bytes -= self.promised + self.received;
            if *bytes == 0 {
                held.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn client(last: u8) -> Client {
        Client::of_address([192, 0, 2, last].into())
    }

    #[test]
    fn what_is_announced_takes_nothing_and_what_arrives_a_step_ahead() {
        let folder = TempDir::new().unwrap();
        let room = Arc::new(Room::of(folder.path()));
        // More than half of the free room, as often as anybody likes.
        let size = room.free_bytes().unwrap() / 3 * 2;
        let mut promises: Vec<Promise> = (0..5).map(|_| room.begin(Some(client(1)), Some(size))).collect();
        assert_eq!(room.check(Some(&client(2)), size), Ok(()));
        assert_eq!(room.arriving(), Arriving { uploads: 5, received_bytes: 0, promised_bytes: 0 });
        promises[0].cover(1).unwrap();
        assert_eq!(room.arriving().promised_bytes, STEP_BYTES.0);
        promises[0].redeem(1);
        assert_eq!(room.arriving(), Arriving { uploads: 5, received_bytes: 1, promised_bytes: STEP_BYTES.0 - 1 });
        // Enough is promised already.
        promises[0].cover(STEP_BYTES.0 - 1).unwrap();
        assert_eq!(room.arriving().promised_bytes, STEP_BYTES.0 - 1);
        promises[0].cover(64 * MIB).unwrap();
        promises[0].redeem(64 * MIB);
        assert_eq!(room.arriving().promised_bytes, 0);
        promises[0].cover(1).unwrap();
        assert_eq!(room.arriving().promised_bytes, STEP_BYTES.1);
        drop(promises);
        assert_eq!(room.arriving(), Arriving::default());
        assert!(room.lock().by_client.is_empty());
    }

    #[test]
    fn no_more_is_promised_than_was_announced() {
        let folder = TempDir::new().unwrap();
        let room = Arc::new(Room::of(folder.path()));
        let mut promise = room.begin(None, Some(1000));
        promise.cover(10).unwrap();
        assert_eq!(room.arriving().promised_bytes, 1000);
        promise.redeem(1000);
        promise.cover(10).unwrap();
        assert_eq!(room.arriving().promised_bytes, 10);
    }

    #[test]
    fn a_client_has_its_share_and_leaves_the_rest() {
        let folder = TempDir::new().unwrap();
        let room = Arc::new(Room::of(folder.path()));
        room.divide(RoomLimits { reserve: 0, client_share: 0.5 });
        let third = room.free_bytes().unwrap() / 3;
        let mut promise = room.begin(Some(client(1)), None);
        promise.cover(third).unwrap();
        assert_eq!(room.check(Some(&client(1)), third), Err(NoRoom::Share));
        assert_eq!(promise.cover(2 * third), Err(NoRoom::Share));
        assert_eq!(room.check(Some(&client(2)), third), Ok(()));
        assert_eq!(room.check(None, third), Ok(()));
        assert_eq!(room.check(None, 2 * third), Err(NoRoom::Disk));
        drop(promise);
        assert_eq!(room.check(Some(&client(1)), third), Ok(()));
    }

    #[test]
    fn the_reserve_is_for_jobs_alone() {
        let folder = TempDir::new().unwrap();
        let room = Arc::new(Room::of(folder.path()));
        room.divide(RoomLimits { reserve: u64::MAX, client_share: 1.0 });
        assert_eq!(room.check(None, 0), Err(NoRoom::Disk));
        assert_eq!(room.begin(None, None).cover(1), Err(NoRoom::Disk));
        assert!(room.can_work());
    }
}
