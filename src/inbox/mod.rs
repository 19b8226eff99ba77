//! The watched folder: a file that is dropped into `incoming/` becomes a job once it has stopped changing.
//!
//! The folder is polled every `queue.poll_interval`, and sooner when the system notifies of a change. A file is taken when
//! neither it nor its sidecar has changed for that long, and no program is known to have it open for writing; the oldest
//! first, one at a time. While there is no room in the queue or on the disk, files wait where they are. This module decides
//! when a file is taken; [`crate::intake`] takes it, by the same steps as for a request that names a file, so that each file
//! becomes one job.

mod adopt;
#[cfg(fuzzing)]
pub mod fuzzing;
mod notices;
mod settling;
mod sidecar;
mod writers;

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::intake::Intake;
use crate::lifecycle::Lifecycle;
use crate::volume::{Arrival, DropFolder, Imprint, Listing, Place};
use adopt::TakeOutcome;
use notices::Notices;
use settling::{Moment, Settling};

/// Files that one look considers at most, the oldest ones: bounds the memory, some 300 bytes a file.
const MAX_FILES: usize = 4096;
/// Shortest time between two looks, however much happens in the folder: a look costs a system call per file. Notifications are
/// read as often, with one call, which is the only work while nothing happens.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// Files that are taken after one look at most, before what it saw is out of date.
const MAX_TAKEN: usize = 64;
/// A file that cannot be taken is tried again after this many poll intervals: it is read in full each time.
const RETRY_FACTOR: u32 = 12;

/// The parts that the watched folder depends on.
pub struct Parts {
    /// The folder that is watched.
    pub incoming: DropFolder,
    /// Creates jobs from files.
    pub intake: Intake,
    /// Knows whether queue and store have room.
    pub lifecycle: Lifecycle,
    pub clock: Clock,
    /// Time between two looks, and how long a file must not have changed.
    pub poll_interval: Duration,
    /// Cancelled when the folder must take no more files.
    pub stopping: CancellationToken,
    /// Raised when the files that a server died on have been examined: until then no job is started beside them.
    pub examined: CancellationToken,
    /// Tracks the adoption in progress, so that the process can wait for it.
    pub tasks: TaskTracker,
}

/// The watched folder, with what earlier looks have seen.
pub struct Inbox {
    incoming: DropFolder,
    intake: Intake,
    lifecycle: Lifecycle,
    clock: Clock,
    poll_interval: Duration,
    stopping: CancellationToken,
    examined: CancellationToken,
    tasks: TaskTracker,
    looks: watch::Sender<u64>,
    settling: Settling<Place, Seen>,
    /// Files that could not be taken.
    left: HashMap<Place, Left>,
    trouble: Trouble,
}

/// What a file and its sidecar looked like.
type Seen = (Imprint, Option<Imprint>);

/// A file that could not be taken.
#[derive(Debug)]
struct Left {
    seen: Seen,
    /// The reason, as it was logged.
    cause: String,
    /// When it will be tried again.
    again: Instant,
}

/// The problems that were logged last, so that the log has one line for each change.
#[derive(Debug, Default)]
struct Trouble {
    wait: Option<Wait>,
    listing: Option<io::ErrorKind>,
    too_deep: usize,
    unreadable: usize,
}

/// Why files wait in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    QueueFull,
    StorageFull,
}

impl Inbox {
    /// The folder, which is not looked at before [`Inbox::run`] is called.
    pub fn new(parts: Parts) -> Self {
        let Parts { incoming, intake, lifecycle, clock, poll_interval, stopping, examined, tasks } = parts;
        Self {
            incoming,
            intake,
            lifecycle,
            clock,
            poll_interval,
            stopping,
            examined,
            tasks,
            looks: watch::Sender::new(0),
            settling: Settling::default(),
            left: HashMap::new(),
            trouble: Trouble::default(),
        }
    }

    /// Number of looks so far, each with its files taken.
    pub fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    /// Watches the folder until the server stops.
    pub async fn run(mut self) {
        let mut notices = Notices::of(self.incoming.path());
        let stopping = self.stopping.clone();
        let least = BETWEEN_LOOKS.min(self.poll_interval);
        self.take_deadly().await;
        while !stopping.is_cancelled() {
            let next = self.look(&mut notices).await.clamp(least, self.poll_interval.max(least));
            self.looks.send_modify(|looks| *looks += 1);
            // Stopped, the loop ends; otherwise it looks again.
            let _stopped = stopping.run_until_cancelled(news(&mut notices, next, least)).await;
        }
    }

    /// Takes the files that an earlier server died on, before any job is started: they had settled then.
    async fn take_deadly(&mut self) {
        // Raised however this ends.
        let _examined = self.examined.clone().drop_guard();
        let incoming = self.incoming.clone();
        let listed = self
            .tasks
            .spawn_blocking(move || if incoming.has_deadly() { incoming.list(MAX_FILES) } else { Ok(Listing::default()) });
        let Ok(Ok(listing)) = listed.await else { return };
        for arrival in listing.arrivals {
            if self.stopping.is_cancelled() {
                return;
            }
            if self.incoming.deaths_on(&arrival) > 0 && self.take(arrival).await.is_some() {
                return;
            }
        }
    }

    /// Takes the files that have settled. Returns the time until the next look is due.
    async fn look(&mut self, notices: &mut Notices) -> Duration {
        notices.take_in();
        let incoming = self.incoming.clone();
        let listed = self
            .tasks
            .spawn_blocking(move || incoming.list(MAX_FILES))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        let listing = match listed {
            Ok(listing) => listing,
            Err(error) => {
                if self.trouble.listing.replace(error.kind()) != Some(error.kind()) {
                    error!(event = "incoming_unreadable", cause = %error, "incoming/ cannot be read");
                }
                return self.poll_interval;
            }
        };
        self.trouble.listing = None;
        self.trouble.log_listing(&listing);
        notices.follow(&listing.folders);
        let seen: Vec<_> = listing.arrivals.iter().map(|arrival| (arrival.place().clone(), arrival.imprint())).collect();
        if !self.left.is_empty() {
            let now: HashMap<_, _> = seen.iter().cloned().collect();
            self.left.retain(|place, left| now.get(place) == Some(&left.seen));
        }
        let now = Moment { day: self.clock.now(), steady: Instant::now() };
        let unsettled = self.settling.look(now, &seen, self.poll_interval);
        let next = unsettled.iter().copied().filter(|left| !left.is_zero()).min().unwrap_or(self.poll_interval);
        let settled = listing.arrivals.into_iter().zip(unsettled).filter(|(_, left)| left.is_zero()).map(|(arrival, _)| arrival);
        if self.take_all(settled, notices).await { Duration::ZERO } else { next }
    }

    /// Takes files one after the other until there is no room. Returns whether more can be taken immediately.
    async fn take_all(&mut self, settled: impl Iterator<Item = Arrival>, notices: &mut Notices) -> bool {
        let (mut wait, mut taken) = (None, 0);
        for arrival in settled {
            if self.stopping.is_cancelled() || taken == MAX_TAKEN {
                return taken == MAX_TAKEN;
            }
            notices.take_in();
            let is_left = self.left.get(arrival.place()).is_some_and(|left| Instant::now() < left.again);
            let is_written = |place| notices.has_writer(place);
            if is_left || is_written(arrival.place()) || arrival.sidecar().is_some_and(is_written) {
                continue;
            }
            taken += 1;
            wait = self.take(arrival).await;
            if wait.is_some() {
                break;
            }
        }
        self.trouble.log_wait(wait);
        false
    }

    /// Takes one file, or returns why it has to wait.
    async fn take(&mut self, arrival: Arrival) -> Option<Wait> {
        if self.lifecycle.check_room(None, 0).is_err() {
            return Some(Wait::StorageFull);
        }
        let Ok(reservation) = self.lifecycle.reserve(None) else { return Some(Wait::QueueFull) };
        let (place, seen) = (arrival.place().clone(), arrival.imprint());
        match adopt::take(&self.intake, arrival, reservation).await {
            TakeOutcome::Done => None,
            TakeOutcome::NoRoom => Some(Wait::StorageFull),
            TakeOutcome::Left(cause) => {
                let again = Instant::now() + self.poll_interval * RETRY_FACTOR;
                let before = self.left.get(&place).is_some_and(|left| left.cause == cause);
                if !before {
                    warn!(event = "file_left", cause, "A file in incoming/ cannot be taken and is left alone");
                }
                self.left.insert(place, Left { seen, cause, again });
                None
            }
        }
    }
}

impl Trouble {
    fn log_listing(&mut self, listing: &Listing) {
        let Listing { too_deep, unreadable, .. } = *listing;
        if std::mem::replace(&mut self.too_deep, too_deep) != too_deep && too_deep > 0 {
            warn!(event = "folders_too_deep", folders = too_deep, "Folders in the folders of incoming/ are left alone");
        }
        if std::mem::replace(&mut self.unreadable, unreadable) != unreadable && unreadable > 0 {
            warn!(event = "folders_unreadable", folders = unreadable, "Folders in incoming/ cannot be read and are left alone");
        }
    }

    fn log_wait(&mut self, wait: Option<Wait>) {
        if std::mem::replace(&mut self.wait, wait) == wait {
            return;
        }
        let reason = match wait {
            Some(Wait::QueueFull) => "the queue is full",
            Some(Wait::StorageFull) => "the disk is full",
            None => {
                info!(event = "incoming_goes_on", "Files in incoming/ are taken again");
                return;
            }
        };
        warn!(event = "incoming_waits", reason, "Files wait in incoming/");
    }
}

/// Waits for a notification that is worth a look, at most this long.
async fn news(notices: &mut Notices, at_most: Duration, between: Duration) {
    let end = Instant::now() + at_most;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        tokio::time::sleep(between.min(left)).await;
        if notices.take_in() {
            return;
        }
    }
}
