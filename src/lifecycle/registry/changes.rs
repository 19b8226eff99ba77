//! Changes that clients and retention make to a job: cancel, retry, delete, archive.
//!
//! The store is changed first: a client gets no answer before the change is on the disk. A waiting job is therefore taken out
//! of the queue before, and put back if the store refuses the change.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Registry, Reservation};
use crate::jobs::{Job, JobId, JobState};
use crate::stop::{StopReason, StopSignal};

/// The remaining work of a deletion.
#[derive(Debug)]
pub(in crate::lifecycle) enum Removal {
    /// The job was not running and is no longer registered: its files have to be removed.
    Removed(Arc<Job>),
    /// The job runs; its stop signal was raised and the worker removes it. The watch closes when that is done.
    Stopping(watch::Receiver<Arc<Job>>),
}

/// The remaining work of a cancellation.
#[derive(Debug)]
pub(in crate::lifecycle) enum Cancellation {
    /// The job waited and will not be started: it is to be set aside in the store, then in the registry.
    Withdrawn(Arc<Job>),
    /// The job runs; its stop signal was raised and the worker sets it aside.
    Stopping(Arc<Job>),
    /// The job was cancelled before.
    AlreadyCancelled(Arc<Job>),
    /// The job has ended in another way.
    Finished(Arc<Job>),
}

/// Whether a job can be tried again.
#[derive(Debug)]
pub(in crate::lifecycle) enum Retry {
    /// It failed or was cancelled.
    Possible(Arc<Job>),
    /// It waits or runs.
    Pending(Arc<Job>),
    /// It has a result, or had one.
    Finished(Arc<Job>),
}

impl Registry {
    /// Begins to delete a job. None if it is unknown.
    pub(in crate::lifecycle) fn remove(&self, id: JobId) -> Option<Removal> {
        let mut inner = self.lock();
        if inner.running == Some(id) {
            let entry = inner.jobs.get(&id)?;
            entry.stop.raise(StopReason::Deleted);
            return Some(Removal::Stopping(entry.state.subscribe()));
        }
        inner.remove(id).map(Removal::Removed)
    }

    /// Begins to cancel a job. None if it is unknown.
    pub(in crate::lifecycle) fn cancel(&self, id: JobId) -> Option<Cancellation> {
        let mut inner = self.lock();
        let entry = inner.jobs.get(&id)?;
        let job = entry.job();
        if inner.running == Some(id) {
            entry.stop.raise(StopReason::Cancelled);
            return Some(Cancellation::Stopping(job));
        }
        Some(match &job.state {
            JobState::Queued | JobState::Processing { .. } => {
                inner.dequeue(&job);
                Cancellation::Withdrawn(job)
            }
            JobState::Cancelled { .. } => Cancellation::AlreadyCancelled(job),
            JobState::Completed { .. } | JobState::Failed { .. } | JobState::Archived { .. } => Cancellation::Finished(job),
        })
    }

    /// The store refused the cancellation of a waiting job: the job goes on waiting.
    pub(in crate::lifecycle) fn readmit(&self, job: &Job) {
        self.lock().enqueue(job);
        self.0.wake.notify_one();
    }

    /// Whether a job can be tried again. None if it is unknown.
    pub(in crate::lifecycle) fn retry(&self, id: JobId) -> Option<Retry> {
        let job = self.find(id)?;
        Some(match &job.state {
            JobState::Failed { .. } | JobState::Cancelled { .. } => Retry::Possible(job),
            JobState::Queued | JobState::Processing { .. } => Retry::Pending(job),
            JobState::Completed { .. } | JobState::Archived { .. } => Retry::Finished(job),
        })
    }

    /// Queues a job again, as [`transition::retried`](crate::lifecycle::transition::retried) made it. None if it is unknown.
    pub(in crate::lifecycle) fn resubmit(&self, reservation: Reservation, retried: Job) -> Option<Arc<Job>> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        inner.jobs.get_mut(&retried.id)?.stop = StopSignal::new();
        let job = inner.apply(retried, now)?;
        reservation.redeem(&mut inner);
        drop(inner);
        self.0.wake.notify_one();
        Some(job)
    }

    /// Records that a job was archived.
    pub(in crate::lifecycle) fn archive(&self, archived: Job) {
        let at = archived.state.changed_at().unwrap_or_else(|| self.0.clock.now());
        self.lock().apply(archived, at);
    }

    /// Forgets an archived job after its record was removed.
    pub(in crate::lifecycle) fn forget_archived(&self, id: JobId) {
        let mut inner = self.lock();
        if inner.jobs.get(&id).is_some_and(|entry| matches!(entry.job().state, JobState::Archived { .. })) {
            inner.remove(id);
        }
    }
}
