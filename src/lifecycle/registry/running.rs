//! The running job: start it, report its progress, end it, put it back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Inner, QueueKey, Registry, job_time};
use crate::jobs::stage::Stage;
use crate::jobs::{Job, JobId, JobState};
use crate::lifecycle::transition;
use crate::stop::{StopReason, StopSignal};

/// Whether the end of a run was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lifecycle) enum Settled {
    Recorded,
    /// A client deleted the job meanwhile: nothing was recorded, and its files are to be removed.
    DeletedMeanwhile,
}

/// Whether a job was queued again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lifecycle) enum Requeued {
    Waiting,
    DeletedMeanwhile,
    CancelledMeanwhile,
}

/// Whether the time of a run counts for the estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lifecycle) enum Timing {
    /// The whole job was done in this run.
    Measured,
    /// Part of it was done before a restart, or there is no result.
    Ignored,
}

impl Inner {
    /// The first job in the queue that was not postponed.
    fn first_to_go(&self) -> Option<(QueueKey, JobId)> {
        self.queue.iter().find(|(_, id)| !self.postponed.contains(id)).map(|(key, id)| (*key, *id))
    }
}

impl Registry {
    /// Pauses or resumes the queue; returns whether that changed its state.
    pub(in crate::lifecycle) fn set_paused(&self, paused: bool) -> bool {
        self.0.paused.swap(paused, Ordering::Relaxed) != paused
    }

    /// Takes the next job out of the queue and marks it as running; at most one runs. Postponed jobs are tried again when
    /// another job has ended, or when no other waits.
    pub(in crate::lifecycle) fn start_next(&self) -> Option<(Arc<Job>, StopSignal)> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        if inner.running.is_some() {
            return None;
        }
        if inner.first_to_go().is_none() {
            inner.postponed.clear();
        }
        let (_, id) = inner.first_to_go()?;
        let queued = inner.jobs.get(&id)?.job();
        let job = inner.apply(transition::started(&queued, now), now)?;
        inner.running = Some(id);
        let stop = inner.jobs.get(&id)?.stop.clone();
        Some((job, stop))
    }

    /// Waits until a job was queued since the last wait.
    pub(in crate::lifecycle) async fn wait_for_work(&self, at_most: Duration) {
        // A timeout is not an error: the caller checks the queue either way.
        let _elapsed = tokio::time::timeout(at_most, self.0.wake.notified()).await;
    }

    /// Records the progress of the running job; less than a percent of the whole does not wake the subscribers.
    pub(in crate::lifecycle) fn report(&self, id: JobId, stage: Stage, percent: u8) {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let Some(entry) = inner.jobs.get(&id).filter(|entry| !entry.is_ending) else { return };
        let job = entry.job();
        let JobState::Processing { started_at, progress } = job.state else { return };
        let next = progress.advanced(stage, percent);
        if (next.stage, next.percent) != (progress.stage, progress.percent) {
            inner.apply(transition::progressed(&job, started_at, next), now);
        }
    }

    /// Freezes the running job until its end is recorded: later reports of the engine are ignored. Returns the job.
    pub(in crate::lifecycle) fn freeze(&self, id: JobId) -> Option<Arc<Job>> {
        let mut inner = self.lock();
        let entry = inner.jobs.get_mut(&id)?;
        entry.is_ending = true;
        Some(entry.job())
    }

    /// Records the end of a job, which runs or was withdrawn from the queue; a job that has ended before keeps its first end.
    #[must_use]
    pub(in crate::lifecycle) fn finish(&self, ended: Job, timing: Timing) -> Settled {
        let mut inner = self.lock();
        let id = ended.id;
        let Some(entry) = inner.jobs.get(&id) else { return Settled::Recorded };
        if entry.stop.reason() == Some(StopReason::Deleted) {
            return Settled::DeletedMeanwhile;
        }
        if entry.job().state.is_terminal() {
            return Settled::Recorded;
        }
        let at = ended.state.changed_at().unwrap_or_else(|| self.0.clock.now());
        let Some(ended) = inner.apply(ended, at) else { return Settled::Recorded };
        if let (Timing::Measured, Some(started_at)) = (timing, ended.state.started_at()) {
            inner.speed.record(job_time(&ended, started_at, at));
        }
        inner.release(id);
        // There may be room now, so postponed jobs are tried again.
        inner.postponed.clear();
        Settled::Recorded
    }

    /// Whether a client deleted the job while it runs.
    pub(in crate::lifecycle) fn is_unwanted(&self, id: JobId) -> bool {
        self.lock().jobs.get(&id).is_some_and(|entry| entry.stop.reason() == Some(StopReason::Deleted))
    }

    /// Puts the running job back into the queue, as [`transition::put_back`] made it.
    #[must_use]
    pub(in crate::lifecycle) fn requeue(&self, waiting: Job) -> Requeued {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let id = waiting.id;
        let Some(entry) = inner.jobs.get_mut(&id) else { return Requeued::Waiting };
        match entry.stop.reason() {
            Some(StopReason::Deleted) => return Requeued::DeletedMeanwhile,
            Some(StopReason::Cancelled) => return Requeued::CancelledMeanwhile,
            Some(StopReason::TimedOut | StopReason::Shutdown) | None => {}
        }
        entry.stop = StopSignal::new();
        inner.apply(waiting, now);
        inner.release(id);
        drop(inner);
        self.0.wake.notify_one();
        Requeued::Waiting
    }

    /// Postpones a waiting job that there was no room to process. Returns whether another job waits.
    pub(in crate::lifecycle) fn postpone(&self, id: JobId) -> bool {
        let mut inner = self.lock();
        inner.postponed.insert(id);
        inner.first_to_go().is_some()
    }

    /// Forgets the running job after its files were removed.
    pub(in crate::lifecycle) fn forget(&self, id: JobId) {
        let mut inner = self.lock();
        inner.release(id);
        inner.remove(id);
    }

    /// Keeps a deleted running job as failed, because its files could not be removed.
    pub(in crate::lifecycle) fn keep_undeletable(&self, failed: Job) {
        let at = failed.state.changed_at().unwrap_or_else(|| self.0.clock.now());
        let mut inner = self.lock();
        let id = failed.id;
        if let Some(entry) = inner.jobs.get_mut(&id) {
            entry.stop = StopSignal::new();
        }
        inner.apply(failed, at);
        inner.release(id);
    }

    /// Raises the stop signal of the running job.
    pub(in crate::lifecycle) fn stop_running(&self, reason: StopReason) {
        let inner = self.lock();
        if let Some(entry) = inner.running.and_then(|id| inner.jobs.get(&id)) {
            entry.stop.raise(reason);
        }
    }
}
