//! All jobs the server knows, in memory, and the queue of those that wait.
//!
//! A clonable handle over one lock. The lock is a `std` mutex: nothing asynchronous happens while it is held. Each job has
//! one watch channel with its whole state: a subscriber cannot miss the last state, and a slow one costs nothing. What
//! happened before is in the job's event log.
//!
//! Any module may read it ([`view`]). Only [`super::Lifecycle`] changes jobs, and passes each as [`super::transition`] made it;
//! the registry never changes a job itself.

mod changes;
mod entering;
mod position;
mod running;
mod seats;
mod view;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

pub(super) use changes::{Cancellation, Removal, Retry};
pub use position::ListPosition;
pub(super) use running::{Requeued, Settled, Timing};
pub use seats::{QueueFull, QueueLimits};
pub use view::{Filter, Order, Page, QueuedJob, Watched};

use seats::Seats;

use super::event_log::EventLog;
use super::transition;
use crate::access::KeyId;
use crate::access::limits::Client;
use crate::clock::Clock;
use crate::jobs::estimate::{self, JobTime, Kind, Speed};
use crate::jobs::{Job, JobId, JobState};
use crate::stop::StopSignal;

/// Ended jobs that keep their events; of those that ended before, only the present state can be asked for again.
const ENDED_WITH_EVENTS: usize = 1000;

/// The handle; clones share all jobs.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    limits: QueueLimits,
    clock: Clock,
    inner: Mutex<Inner>,
    wake: Notify,
    /// No job is started until files can be written to the store again.
    paused: AtomicBool,
}

#[derive(Default)]
struct Inner {
    jobs: HashMap<JobId, Entry>,
    /// In order of creation, for the list.
    created: BTreeMap<ListPosition, JobId>,
    /// Highest priority first, then order of arrival.
    queue: BTreeMap<QueueKey, JobId>,
    /// Queued jobs that there was no room to process: other jobs are started first.
    postponed: HashSet<JobId>,
    /// Jobs by owner and idempotency key.
    keys: HashMap<(Option<KeyId>, String), JobId>,
    /// Ended jobs that still have all their events, the oldest end first.
    ended: VecDeque<JobId>,
    /// The places of the queue.
    seats: Seats,
    next_sequence: u64,
    running: Option<JobId>,
    speed: Speed,
}

/// Priority, order of arrival, and the id, so that no two jobs share a place.
type QueueKey = (Reverse<u8>, u64, JobId);

fn queue_key(job: &Job) -> QueueKey {
    (Reverse(job.priority), job.arrival, job.id)
}

struct Entry {
    state: watch::Sender<Arc<Job>>,
    events: EventLog,
    stop: StopSignal,
    /// The client whose place in the queue the job takes while it waits, as far as it is known.
    client: Option<Client>,
    /// The end of the run is being written: the job must stay as it was when its end was numbered.
    is_ending: bool,
}

impl Entry {
    fn job(&self) -> Arc<Job> {
        Arc::clone(&self.state.borrow())
    }
}

impl Inner {
    /// Replaces a known job by its next state, records the events and wakes the subscribers. None if the job is unknown.
    fn apply(&mut self, job: Job, at: DateTime<Utc>) -> Option<Arc<Job>> {
        let entry = self.jobs.get_mut(&job.id)?;
        let before = entry.job();
        entry.events.record(&job, at, completion(&self.speed, &job, at));
        entry.is_ending = false;
        let job = Arc::new(job);
        entry.state.send_replace(Arc::clone(&job));
        self.dequeue(&before);
        if matches!(job.state, JobState::Queued) {
            self.enqueue(&job);
        }
        if job.state.is_terminal() {
            self.has_ended(job.id);
        }
        Some(job)
    }

    /// Puts a waiting job into its place in the queue.
    fn enqueue(&mut self, job: &Job) {
        if self.queue.insert(queue_key(job), job.id).is_none() {
            self.seats.take(self.jobs.get(&job.id).and_then(|entry| entry.client.as_ref()));
        }
    }

    /// Takes a job out of the queue, if it waits.
    fn dequeue(&mut self, job: &Job) {
        if self.queue.remove(&queue_key(job)).is_some() {
            self.seats.leave(self.jobs.get(&job.id).and_then(|entry| entry.client.as_ref()));
        }
    }

    /// Bounds the memory that the events of ended jobs take.
    fn has_ended(&mut self, id: JobId) {
        self.ended.push_back(id);
        if self.ended.len() > ENDED_WITH_EVENTS
            && let Some(oldest) = self.ended.pop_front()
            && let Some(entry) = self.jobs.get_mut(&oldest)
            && entry.state.borrow().state.is_terminal()
        {
            entry.events.keep_present();
        }
    }

    fn insert(&mut self, job: Job, client: Option<Client>, now: DateTime<Utc>) -> Arc<Job> {
        let job = Arc::new(transition::loaded(job));
        // The events of an ended job carry the time of its end, before and after a restart.
        let events = EventLog::of(&job, job.state.changed_at().unwrap_or(now));
        self.next_sequence = self.next_sequence.max(job.sequence).max(job.arrival);
        self.created.insert(ListPosition::of(&job), job.id);
        if let Some(idempotency) = &job.idempotency {
            self.keys.insert((job.owner.clone(), idempotency.key.clone()), job.id);
        }
        let state = watch::Sender::new(Arc::clone(&job));
        // Of jobs from before this start only the key is known.
        let client = client.or_else(|| job.owner.as_ref().map(Client::of_key));
        self.jobs.insert(job.id, Entry { state, events, stop: StopSignal::new(), client, is_ending: false });
        if matches!(job.state, JobState::Queued) {
            self.enqueue(&job);
        }
        job
    }

    fn remove(&mut self, id: JobId) -> Option<Arc<Job>> {
        let job = self.jobs.get(&id)?.job();
        self.dequeue(&job);
        self.jobs.remove(&id);
        self.created.remove(&ListPosition::of(&job));
        self.postponed.remove(&id);
        if let Some(idempotency) = &job.idempotency {
            self.keys.remove(&(job.owner.clone(), idempotency.key.clone()));
        }
        Some(job)
    }

    /// Allows the next job to be started.
    fn release(&mut self, id: JobId) {
        if self.running == Some(id) {
            self.running = None;
        }
    }
}

/// The place of a job that is being made.
pub enum Seat {
    /// It was reserved when the first bytes of the recording arrived.
    Reserved(Reservation),
    /// It has to be found, for this client.
    Due(Option<Client>),
}

/// A place in the queue for a recording that is still arriving; released when dropped.
pub struct Reservation {
    registry: Option<Registry>,
    client: Option<Client>,
}

impl Reservation {
    /// The job takes its place in the same moment, so that the place is never seen free or taken twice.
    fn redeem(mut self, inner: &mut Inner) {
        if self.registry.take().is_some() {
            inner.seats.release(self.client.as_ref());
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(registry) = &self.registry {
            registry.lock().seats.release(self.client.as_ref());
        }
    }
}

impl Registry {
    /// An empty registry whose queue has these limits.
    pub(super) fn new(limits: QueueLimits, clock: Clock) -> Self {
        Self(Arc::new(Shared { limits, clock, inner: Mutex::default(), wake: Notify::new(), paused: AtomicBool::new(false) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic leaves every change under the lock either complete or not started, so a poisoned lock is still sound.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a place in the queue.
    pub(super) fn reserve(&self, client: Option<&Client>) -> Result<Reservation, QueueFull> {
        let mut inner = self.lock();
        inner.seats.check(self.0.limits, inner.queue.len(), client)?;
        inner.seats.reserve(client);
        Ok(Reservation { registry: Some(self.clone()), client: client.cloned() })
    }

    /// The client whose places a job takes; none if it is not known.
    pub(super) fn client_of(&self, id: JobId) -> Option<Client> {
        self.lock().jobs.get(&id)?.client.clone()
    }

    /// The next number in the order of arrival.
    pub(super) fn next_sequence(&self) -> u64 {
        let mut inner = self.lock();
        inner.next_sequence += 1;
        inner.next_sequence
    }
}

/// When a running job is expected to be done.
fn completion(speed: &Speed, job: &Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let JobState::Processing { started_at, progress } = &job.state else { return None };
    let total = speed.estimate(job.file.source.duration.as_seconds(), Kind::of(job));
    Some(now + chrono_seconds(estimate::left(total, seconds_between(*started_at, now), progress.percent)))
}

fn job_time(job: &Job, started_at: DateTime<Utc>, finished_at: DateTime<Utc>) -> JobTime {
    JobTime {
        audio_seconds: job.file.source.duration.as_seconds(),
        processing_seconds: seconds_between(started_at, finished_at),
        kind: Kind::of(job),
    }
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds().max(0) as f64 / 1000.0
}

/// At most thirty years, since a sum with the present must stay a time.
fn chrono_seconds(seconds: f64) -> chrono::Duration {
    chrono::Duration::milliseconds((seconds.clamp(0.0, 1e9) * 1000.0) as i64)
}
