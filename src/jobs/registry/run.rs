//! What the worker does with a job: begin it, report its progress, end it, put it back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Inner, QueueKey, Registry, job_time, queue_key};
use crate::jobs::progress::Progress;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, Job, JobId, JobState};
use crate::stop::{StopReason, StopSignal};

/// How a run of a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There is a result.
    Completed {
        /// Whether the time that it took tells how fast jobs are: not of one that was done in part before a restart.
        is_measure: bool,
    },
    /// There is none.
    Failed(Failure),
    /// A client did not want one any more.
    Cancelled,
}

/// What became of a change to the running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It stands.
    Recorded,
    /// A client deleted the job meanwhile.
    DeletedMeanwhile,
}

/// What became of a job that was to wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeued {
    /// It waits.
    Waiting,
    /// A client deleted it meanwhile.
    DeletedMeanwhile,
    /// A client cancelled it meanwhile.
    CancelledMeanwhile,
}

impl Inner {
    /// The first in the queue of those that were not postponed.
    fn first_to_go(&self) -> Option<(QueueKey, JobId)> {
        self.queue.iter().find(|(_, id)| !self.postponed.contains(id)).map(|(key, id)| (*key, *id))
    }
}

impl Registry {
    /// Nothing is begun until the volume takes files again, or work goes on; whether that is news.
    pub fn set_paused(&self, paused: bool) -> bool {
        self.0.paused.swap(paused, Ordering::Relaxed) != paused
    }

    /// Whether the queue waits for the volume.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Relaxed)
    }

    /// Takes the next job out of the queue and marks it as running; at most one runs. Those postponed are tried
    /// again when another job has ended, or when no other waits.
    pub fn start_next(&self) -> Option<(Arc<Job>, StopSignal)> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        if inner.running.is_some() {
            return None;
        }
        if inner.first_to_go().is_none() {
            inner.postponed.clear();
        }
        let (key, id) = inner.first_to_go()?;
        inner.queue.remove(&key);
        let job = inner.change(id, now, |job| {
            job.attempts += 1;
            job.state = JobState::Processing { started_at: now, progress: Progress::START };
        })?;
        inner.running = Some(id);
        let stop = inner.jobs.get(&id)?.stop.clone();
        Some((job, stop))
    }

    /// Waits until something was queued since the last wait.
    pub async fn wait_for_work(&self, at_most: Duration) {
        // A timeout is no failure here: the caller looks again either way.
        let _elapsed = tokio::time::timeout(at_most, self.0.wake.notified()).await;
    }

    /// Notes how far the running job is. What is less than a percent of the whole is not worth waking anybody for.
    pub fn report(&self, id: JobId, stage: Stage, percent: u8) {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let Some(entry) = inner.jobs.get(&id) else { return };
        let JobState::Processing { started_at, progress } = entry.state.borrow().state else { return };
        let next = progress.advanced(stage, percent);
        if (next.stage, next.percent) != (progress.stage, progress.percent) {
            inner.change(id, now, |job| job.state = JobState::Processing { started_at, progress: next });
        }
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
        let before = entry.job();
        if before.state.is_terminal() {
            return Settled::Recorded;
        }
        let (started_at, progress) = (before.state.started_at(), before.state.progress());
        let is_measure = outcome == Outcome::Completed { is_measure: true };
        inner.change(id, finished_at, |job| {
            job.state = match outcome {
                Outcome::Completed { .. } => JobState::Completed { started_at: started_at.unwrap_or(finished_at), finished_at },
                Outcome::Failed(failure) => JobState::Failed { started_at, finished_at, failure, progress },
                Outcome::Cancelled => JobState::Cancelled { started_at, finished_at, progress },
            };
        });
        if let Some(started_at) = started_at.filter(|_| is_measure) {
            inner.speed.record(job_time(&before, started_at, finished_at));
        }
        inner.release(id);
        // There may be room now: whoever was postponed is not to wait until nobody else does.
        inner.postponed.clear();
        Settled::Recorded
    }

    /// Whether a client deleted the job while it runs.
    pub fn is_unwanted(&self, id: JobId) -> bool {
        self.lock().jobs.get(&id).is_some_and(|entry| entry.stop.reason() == Some(StopReason::Deleted))
    }

    /// Puts the running job back into the queue, at its old place. Its attempt does not count: nothing went wrong with it.
    #[must_use]
    pub fn requeue(&self, id: JobId) -> Requeued {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let Some(entry) = inner.jobs.get_mut(&id) else { return Requeued::Waiting };
        match entry.stop.reason() {
            Some(StopReason::Deleted) => return Requeued::DeletedMeanwhile,
            Some(StopReason::Cancelled) => return Requeued::CancelledMeanwhile,
            Some(StopReason::TimedOut | StopReason::Shutdown) | None => {}
        }
        entry.stop = StopSignal::new();
        let job = inner.change(id, now, |job| {
            job.attempts = job.attempts.saturating_sub(1);
            job.state = JobState::Queued;
        });
        if let Some(job) = job {
            inner.queue.insert(queue_key(&job), id);
        }
        inner.release(id);
        drop(inner);
        self.0.wake.notify_one();
        Requeued::Waiting
    }

    /// There was no room for a job that waits again: the others go first. Whether there is another one to go.
    pub fn postpone(&self, id: JobId) -> bool {
        let mut inner = self.lock();
        inner.postponed.insert(id);
        inner.first_to_go().is_some()
    }

    /// Forgets the running job after its files were removed.
    pub fn forget(&self, id: JobId) {
        let mut inner = self.lock();
        inner.release(id);
        inner.remove(id);
    }

    /// The running job was to be deleted, and its files could not be removed: it stays, as failed.
    pub fn keep_undeletable(&self, id: JobId, finished_at: DateTime<Utc>, failure: Failure) {
        let mut inner = self.lock();
        if let Some(entry) = inner.jobs.get_mut(&id) {
            entry.stop = StopSignal::new();
        }
        inner.change(id, finished_at, |job| {
            job.state = JobState::Failed { started_at: None, finished_at, failure, progress: None };
        });
        inner.release(id);
    }

    /// Tells the running job to stop.
    pub fn stop_running(&self, reason: StopReason) {
        let inner = self.lock();
        if let Some(entry) = inner.running.and_then(|id| inner.jobs.get(&id)) {
            entry.stop.raise(reason);
        }
    }
}
