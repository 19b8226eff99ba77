//! All jobs the server knows, and the queue of those that wait.
//!
//! A clonable handle over one lock. The lock is a `std` mutex: nothing asynchronous happens while it is held. Each job has
//! one watch channel with its whole state: whoever watches cannot miss the last state, and a slow reader costs nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use super::estimate::Speed;
use super::progress::Progress;
use super::stage::Stage;
use super::{Failure, Job, JobId, JobState};
use crate::clock::Clock;
use crate::stop::{StopReason, StopSignal};

/// The handle.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    max_queued: usize,
    clock: Clock,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Default)]
struct Inner {
    jobs: HashMap<JobId, Entry>,
    /// Highest priority first, then order of arrival.
    queue: BTreeMap<QueueKey, JobId>,
    /// Places promised to recordings that are still arriving.
    reserved: usize,
    next_sequence: u64,
    running: Option<JobId>,
    speed: Speed,
}

/// Priority, order of arrival, and the id, so that no two jobs share a place.
type QueueKey = (Reverse<u8>, u64, JobId);

fn queue_key(job: &Job) -> QueueKey {
    (Reverse(job.priority), job.sequence, job.id)
}

struct Entry {
    state: watch::Sender<Arc<Job>>,
    stop: StopSignal,
}

impl Entry {
    fn change(&self, change: impl FnOnce(&mut Job)) {
        self.state.send_modify(|job| change(Arc::make_mut(job)));
    }
}

impl Inner {
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
pub struct Reservation(Registry);

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.lock().reserved -= 1;
    }
}

/// How a run of a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There is a result.
    Completed,
    /// There is none.
    Failed(Failure),
}

/// What became of a change to the running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It stands.
    Recorded,
    /// A client deleted the job meanwhile.
    DeletedMeanwhile,
}

/// A job that waits, and when its turn will come.
#[derive(Debug, Clone)]
pub struct QueuedJob {
    /// The job.
    pub job: Arc<Job>,
    /// When it will probably be begun.
    pub estimated_start: DateTime<Utc>,
}

/// What to do about a deletion.
#[derive(Debug)]
pub enum Removal {
    /// It did not run and is forgotten: remove the files in its folder of this state.
    Removed(Arc<Job>),
    /// It runs and was told to stop; whoever runs it removes it. The watch closes when that is done.
    Stopping(watch::Receiver<Arc<Job>>),
}

impl Registry {
    /// An empty registry.
    pub fn new(max_queued: usize, clock: Clock) -> Self {
        Self(Arc::new(Shared { max_queued, clock, inner: Mutex::default(), wake: Notify::new() }))
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
        Ok(Reservation(self.clone()))
    }

    /// The number that the next job's order of arrival gets.
    pub fn next_sequence(&self) -> u64 {
        let mut inner = self.lock();
        inner.next_sequence += 1;
        inner.next_sequence
    }

    /// Takes up a job whose recording is in place; it takes the reserved place if it waits.
    pub fn submit(&self, reservation: Reservation, job: Job) -> Arc<Job> {
        let job = self.restore(job);
        drop(reservation);
        self.0.wake.notify_one();
        job
    }

    /// Takes up a job found on the volume.
    pub fn restore(&self, job: Job) -> Arc<Job> {
        let job = Arc::new(job);
        let mut inner = self.lock();
        inner.next_sequence = inner.next_sequence.max(job.sequence);
        match &job.state {
            JobState::Queued => {
                inner.queue.insert(queue_key(&job), job.id);
            }
            JobState::Completed { started_at, finished_at } => {
                inner.speed.record(job.file.duration_seconds, seconds_between(*started_at, *finished_at));
            }
            JobState::Processing { .. } | JobState::Failed { .. } => {}
        }
        inner.jobs.insert(job.id, Entry { state: watch::Sender::new(Arc::clone(&job)), stop: StopSignal::new() });
        job
    }

    /// The present state of a job.
    pub fn find(&self, id: JobId) -> Option<Arc<Job>> {
        self.lock().jobs.get(&id).map(|entry| Arc::clone(&entry.state.borrow()))
    }

    /// Every state of a job from now on; closes when the job is deleted.
    pub fn watch(&self, id: JobId) -> Option<watch::Receiver<Arc<Job>>> {
        self.lock().jobs.get(&id).map(|entry| entry.state.subscribe())
    }

    /// Takes the next job out of the queue and marks it as running; at most one runs.
    pub fn start_next(&self) -> Option<(Arc<Job>, StopSignal)> {
        let mut inner = self.lock();
        if inner.running.is_some() {
            return None;
        }
        let (_, id) = inner.queue.pop_first()?;
        let entry = inner.jobs.get(&id)?;
        entry.change(|job| {
            job.attempts += 1;
            job.state = JobState::Processing { started_at: self.0.clock.now(), progress: Progress::START };
        });
        let started = (Arc::clone(&entry.state.borrow()), entry.stop.clone());
        inner.running = Some(id);
        Some(started)
    }

    /// Waits until something was queued since the last wait.
    pub async fn wait_for_work(&self, at_most: Duration) {
        // A timeout is no failure here: the caller looks again either way.
        let _elapsed = tokio::time::timeout(at_most, self.0.wake.notified()).await;
    }

    /// Notes how far the running job is.
    pub fn report(&self, id: JobId, stage: Stage, percent: u8) {
        let inner = self.lock();
        let Some(entry) = inner.jobs.get(&id) else { return };
        entry.state.send_if_modified(|job| {
            let JobState::Processing { progress, .. } = &job.state else { return false };
            let next = progress.advanced(stage, percent);
            if next == *progress {
                return false;
            }
            if let JobState::Processing { progress, .. } = &mut Arc::make_mut(job).state {
                *progress = next;
            }
            true
        });
    }

    /// Records how the running job ended; a job that has already ended keeps its first ending. Whether it was deleted
    /// meanwhile: then nothing is recorded, and whoever ran it has to remove it.
    #[must_use]
    pub fn finish(&self, id: JobId, finished_at: DateTime<Utc>, outcome: Outcome) -> Settled {
        let mut inner = self.lock();
        let Some(entry) = inner.jobs.get(&id) else { return Settled::Recorded };
        if entry.stop.reason() == Some(StopReason::Deleted) {
            return Settled::DeletedMeanwhile;
        }
        let audio_seconds = entry.state.borrow().file.duration_seconds;
        let (started_at, progress) = match &entry.state.borrow().state {
            JobState::Processing { started_at, progress } => (Some(*started_at), Some(*progress)),
            JobState::Queued => (None, None),
            JobState::Completed { .. } | JobState::Failed { .. } => return Settled::Recorded,
        };
        let completed = outcome == Outcome::Completed;
        entry.change(|job| {
            job.state = match outcome {
                Outcome::Completed => JobState::Completed { started_at: started_at.unwrap_or(finished_at), finished_at },
                Outcome::Failed(failure) => JobState::Failed { started_at, finished_at, failure, progress },
            };
        });
        if let Some(started_at) = started_at.filter(|_| completed) {
            inner.speed.record(audio_seconds, seconds_between(started_at, finished_at));
        }
        inner.release(id);
        Settled::Recorded
    }

    /// Puts the running job back into the queue, at its old place. Its attempt does not count: nothing went wrong with it.
    #[must_use]
    pub fn requeue(&self, id: JobId) -> Settled {
        let mut inner = self.lock();
        let Some(entry) = inner.jobs.get_mut(&id) else { return Settled::Recorded };
        if entry.stop.reason() == Some(StopReason::Deleted) {
            return Settled::DeletedMeanwhile;
        }
        entry.stop = StopSignal::new();
        entry.change(|job| {
            job.attempts = job.attempts.saturating_sub(1);
            job.state = JobState::Queued;
        });
        let key = queue_key(&entry.state.borrow());
        inner.queue.insert(key, id);
        inner.release(id);
        self.0.wake.notify_one();
        Settled::Recorded
    }

    /// Begins to delete a job: none if there is no such job.
    pub fn remove(&self, id: JobId) -> Option<Removal> {
        let mut inner = self.lock();
        let entry = inner.jobs.get(&id)?;
        if inner.running == Some(id) {
            entry.stop.raise(StopReason::Deleted);
            return Some(Removal::Stopping(entry.state.subscribe()));
        }
        let entry = inner.jobs.remove(&id)?;
        let job = Arc::clone(&entry.state.borrow());
        inner.queue.remove(&queue_key(&job));
        Some(Removal::Removed(job))
    }

    /// Forgets the running job after its files were removed.
    pub fn forget(&self, id: JobId) {
        let mut inner = self.lock();
        inner.release(id);
        inner.jobs.remove(&id);
    }

    /// The running job was to be deleted, and its files could not be removed: it stays, as failed.
    pub fn keep_undeletable(&self, id: JobId, finished_at: DateTime<Utc>, failure: Failure) {
        let mut inner = self.lock();
        if let Some(entry) = inner.jobs.get_mut(&id) {
            entry.stop = StopSignal::new();
            entry.change(|job| job.state = JobState::Failed { started_at: None, finished_at, failure, progress: None });
        }
        inner.release(id);
    }

    /// Tells the running job to stop.
    pub fn stop_running(&self, reason: StopReason) {
        let inner = self.lock();
        if let Some(entry) = inner.running.and_then(|id| inner.jobs.get(&id)) {
            entry.stop.raise(reason);
        }
    }

    /// The running job.
    pub fn running(&self) -> Option<Arc<Job>> {
        let inner = self.lock();
        inner.running.and_then(|id| inner.jobs.get(&id)).map(|entry| Arc::clone(&entry.state.borrow()))
    }

    /// The jobs that wait, in the order in which they will run.
    pub fn queued(&self) -> Vec<QueuedJob> {
        let inner = self.lock();
        let mut start = self.0.clock.now();
        if let Some(entry) = inner.running.and_then(|id| inner.jobs.get(&id)) {
            start = completion(&inner.speed, &entry.state.borrow(), start).unwrap_or(start);
        }
        let mut queued = Vec::with_capacity(inner.queue.len());
        for entry in inner.queue.values().filter_map(|id| inner.jobs.get(id)) {
            let job = Arc::clone(&entry.state.borrow());
            let next = start + chrono_seconds(inner.speed.estimate(job.file.duration_seconds));
            queued.push(QueuedJob { job, estimated_start: std::mem::replace(&mut start, next) });
        }
        queued
    }

    /// How many wait.
    pub fn queue_length(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether one more could be accepted.
    pub fn has_room(&self) -> bool {
        let inner = self.lock();
        inner.queue.len() + inner.reserved < self.0.max_queued
    }

    /// The mean processing time of the last jobs in seconds; 0 before the first.
    pub fn average_processing_seconds(&self) -> f64 {
        self.lock().speed.average()
    }

    /// How long a recording of this length will take, in seconds.
    pub fn estimated_seconds(&self, audio_seconds: f64) -> f64 {
        self.lock().speed.estimate(audio_seconds)
    }

    /// When a running job will be done.
    pub fn estimated_completion(&self, job: &Job) -> Option<DateTime<Utc>> {
        completion(&self.lock().speed, job, self.0.clock.now())
    }
}

/// The estimate made at the start, and once a tenth is done, what the progress says.
fn completion(speed: &Speed, job: &Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let JobState::Processing { started_at, progress } = &job.state else { return None };
    let elapsed = seconds_between(*started_at, now);
    let total = speed.estimate(job.file.duration_seconds);
    let done = f64::from(progress.percent) / 100.0;
    let left = if done > 0.1 { elapsed / done * (1.0 - done) } else { total - elapsed };
    Some(now + chrono_seconds(left.max(0.0)))
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds().max(0) as f64 / 1000.0
}

fn chrono_seconds(seconds: f64) -> chrono::Duration {
    chrono::Duration::milliseconds((seconds * 1000.0) as i64)
}
