//! All jobs the server knows, and the queue of those that wait.
//!
//! A clonable handle over one lock. The lock is a `std` mutex: nothing asynchronous happens while it is held. Each job has
//! one watch channel with its whole state: whoever watches cannot miss the last state, and a slow reader costs nothing. What
//! happened before is in its log of events. [`run`] is what the worker does with a job, [`changes`] what clients do, and
//! [`look`] only looks.

mod changes;
mod ended;
mod look;
mod run;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

pub use changes::{Cancellation, Removal, Retry};
pub use look::{Filter, Order, Page, Place, QueuedJob, Watched};
pub use run::{Outcome, Requeued, Settled};

use super::estimate::{self, JobTime, Kind, Measured, REMEMBERED, Speed};
use super::events::EventLog;
use super::{Job, JobId, JobState};
use crate::access::KeyId;
use crate::clock::Clock;
use crate::stop::StopSignal;

/// How many jobs that have ended keep their events; of those before, only the outcome can be asked for again.
const ENDED_WITH_EVENTS: usize = 1000;

/// The handle.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    max_queued: usize,
    clock: Clock,
    inner: Mutex<Inner>,
    wake: Notify,
    /// Nothing is begun until the volume takes files again.
    paused: AtomicBool,
}

#[derive(Default)]
struct Inner {
    jobs: HashMap<JobId, Entry>,
    /// In order of creation, for the list.
    created: BTreeMap<Place, JobId>,
    /// Highest priority first, then order of arrival.
    queue: BTreeMap<QueueKey, JobId>,
    /// Of the queue those that there was no room for: the others go first.
    postponed: HashSet<JobId>,
    /// The clients' own names for the requests that made jobs.
    keys: HashMap<(Option<KeyId>, String), JobId>,
    /// Jobs that ended and still have all their events, the oldest end first.
    ended: VecDeque<JobId>,
    /// Places promised to recordings that are still arriving.
    reserved: usize,
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
}

impl Entry {
    fn job(&self) -> Arc<Job> {
        Arc::clone(&self.state.borrow())
    }

    /// Changes the job, notes what can be told of it, and wakes whoever watches.
    fn change(&mut self, now: DateTime<Utc>, speed: &Speed, change: impl FnOnce(&mut Job)) {
        let events = &mut self.events;
        self.state.send_modify(|job| {
            let job = Arc::make_mut(job);
            change(job);
            job.last_event = events.tell(now, &job.state, completion(speed, job, now));
        });
    }
}

impl Inner {
    /// Changes a job's state; none if there is no such job.
    fn change(&mut self, id: JobId, now: DateTime<Utc>, change: impl FnOnce(&mut Job)) -> Option<Arc<Job>> {
        let entry = self.jobs.get_mut(&id)?;
        entry.change(now, &self.speed, change);
        let job = entry.job();
        if job.state.is_terminal() {
            self.has_ended(id);
        }
        Some(job)
    }

    /// Bounds the memory that ended jobs' events take.
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

    fn insert(&mut self, job: Job, now: DateTime<Utc>) -> Arc<Job> {
        // What ended is told with the time of its end, before and after a restart.
        let events = EventLog::resume(job.last_event, job.state.changed_at().unwrap_or(now), &job.state);
        // A record from before there were events knows no number.
        let job = Arc::new(Job { last_event: events.last(), ..job });
        self.next_sequence = self.next_sequence.max(job.sequence).max(job.arrival);
        self.created.insert(Place::of(&job), job.id);
        if matches!(job.state, JobState::Queued) {
            self.queue.insert(queue_key(&job), job.id);
        }
        if let Some(idempotency) = &job.idempotency {
            self.keys.insert((job.owner.clone(), idempotency.key.clone()), job.id);
        }
        let state = watch::Sender::new(Arc::clone(&job));
        self.jobs.insert(job.id, Entry { state, events, stop: StopSignal::new() });
        job
    }

    fn remove(&mut self, id: JobId) -> Option<Arc<Job>> {
        let job = self.jobs.remove(&id)?.job();
        self.created.remove(&Place::of(&job));
        self.queue.remove(&queue_key(&job));
        self.postponed.remove(&id);
        if let Some(idempotency) = &job.idempotency {
            self.keys.remove(&(job.owner.clone(), idempotency.key.clone()));
        }
        Some(job)
    }

    /// Lets the next job run.
    fn release(&mut self, id: JobId) {
        if self.running == Some(id) {
            self.running = None;
        }
    }
}

/// The queue has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full: {max_queued} recordings wait")]
pub struct QueueFull {
    /// The limit.
    pub max_queued: usize,
}

/// A place in the queue for a recording that is still arriving; given back when dropped.
pub struct Reservation(Option<Registry>);

impl Reservation {
    /// The job has come: it takes the place in the same moment, so that nobody sees it free or taken twice.
    fn redeem(mut self, inner: &mut Inner) {
        if self.0.take().is_some() {
            inner.reserved -= 1;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(registry) = &self.0 {
            registry.lock().reserved -= 1;
        }
    }
}

impl Registry {
    /// An empty registry.
    pub fn new(max_queued: usize, clock: Clock) -> Self {
        Self(Arc::new(Shared { max_queued, clock, inner: Mutex::default(), wake: Notify::new(), paused: AtomicBool::new(false) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is complete when it panics or not begun, so a poisoned lock is still sound.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises a place in the queue.
    ///
    /// # Errors
    /// When there is none.
    pub fn reserve(&self) -> Result<Reservation, QueueFull> {
        let mut inner = self.lock();
        if inner.queue.len() + inner.reserved >= self.0.max_queued {
            return Err(QueueFull { max_queued: self.0.max_queued });
        }
        inner.reserved += 1;
        Ok(Reservation(Some(self.clone())))
    }

    /// The number that the next job's order of arrival gets.
    pub fn next_sequence(&self) -> u64 {
        let mut inner = self.lock();
        inner.next_sequence += 1;
        inner.next_sequence
    }

    /// Takes up a job whose recording is in place; it takes the reserved place if it waits.
    pub fn submit(&self, reservation: Reservation, job: Job) -> Arc<Job> {
        let job = self.enter(job, Some(reservation));
        self.0.wake.notify_one();
        job
    }

    /// Takes up the jobs found on the volume, in the order in which they ended: the last ones tell how long jobs take.
    pub fn restore_all(&self, jobs: Vec<Job>) {
        let time = |job: &Job| match &job.state {
            JobState::Completed { started_at, finished_at } => Some(job_time(job, *started_at, *finished_at)),
            JobState::Queued
            | JobState::Processing { .. }
            | JobState::Failed { .. }
            | JobState::Cancelled { .. }
            | JobState::Archived { .. } => None,
        };
        let mut times: Vec<JobTime> = jobs.iter().rev().filter_map(time).take(REMEMBERED).collect();
        times.reverse();
        for job in jobs {
            self.restore(job);
        }
        let mut inner = self.lock();
        let equipment = inner.speed.measured().equipment.clone();
        inner.speed = Speed::from(Measured { equipment, jobs: times });
    }

    /// Takes up a job that is known already.
    pub fn restore(&self, job: Job) -> Arc<Job> {
        self.enter(job, None)
    }

    fn enter(&self, job: Job, reservation: Option<Reservation>) -> Arc<Job> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let job = inner.insert(job, now);
        if job.state.is_terminal() {
            inner.has_ended(job.id);
        }
        if let Some(reservation) = reservation {
            reservation.redeem(&mut inner);
        }
        job
    }
}

/// When a running job will be done.
fn completion(speed: &Speed, job: &Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let JobState::Processing { started_at, progress } = &job.state else { return None };
    let total = speed.estimate(job.file.duration_seconds, Kind::of(job));
    Some(now + chrono_seconds(estimate::left(total, seconds_between(*started_at, now), progress.percent)))
}

fn job_time(job: &Job, started_at: DateTime<Utc>, finished_at: DateTime<Utc>) -> JobTime {
    JobTime {
        audio_seconds: job.file.duration_seconds,
        processing_seconds: seconds_between(started_at, finished_at),
        kind: Kind::of(job),
    }
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds().max(0) as f64 / 1000.0
}

fn chrono_seconds(seconds: f64) -> chrono::Duration {
    chrono::Duration::milliseconds((seconds * 1000.0) as i64)
}
