//! What clients do to a job: cancel it, have it tried again, remove it.
//!
//! A change has two halves, here and on the volume, and the volume comes first: what a client is told is on the disk. A job
//! that is being changed is therefore taken out of the queue before, and put back if the volume does not take the change.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Registry, Reservation, queue_key};
use crate::jobs::{Job, JobId, JobState};
use crate::stop::{StopReason, StopSignal};

/// What to do about a deletion.
#[derive(Debug)]
pub enum Removal {
    /// It did not run and is forgotten: remove the files in its folder of this state.
    Removed(Arc<Job>),
    /// It runs and was told to stop; whoever runs it removes it. The watch closes when that is done.
    Stopping(watch::Receiver<Arc<Job>>),
}

/// What to do about a cancellation.
#[derive(Debug)]
pub enum Cancellation {
    /// It waited, and will not be begun: set it aside on the volume, then say that it has ended.
    Withdrawn(Arc<Job>),
    /// It runs and was told to stop; whoever runs it sets it aside.
    Stopping(Arc<Job>),
    /// It was cancelled before.
    AlreadyCancelled(Arc<Job>),
    /// It has ended.
    Finished(Arc<Job>),
}

/// What to do about another attempt.
#[derive(Debug)]
pub enum Retry {
    /// It can be tried again: put it back on the volume, then say that it waits.
    Possible(Arc<Job>),
    /// It waits or runs.
    Pending(Arc<Job>),
    /// It has a result, or had one.
    Finished(Arc<Job>),
}

impl Registry {
    /// Begins to delete a job: none if there is no such job.
    pub fn remove(&self, id: JobId) -> Option<Removal> {
        let mut inner = self.lock();
        if inner.running == Some(id) {
            let entry = inner.jobs.get(&id)?;
            entry.stop.raise(StopReason::Deleted);
            return Some(Removal::Stopping(entry.state.subscribe()));
        }
        inner.remove(id).map(Removal::Removed)
    }

    /// Begins to cancel a job: none if there is no such job.
    pub fn cancel(&self, id: JobId) -> Option<Cancellation> {
        let mut inner = self.lock();
        let entry = inner.jobs.get(&id)?;
        let job = entry.job();
        if inner.running == Some(id) {
            entry.stop.raise(StopReason::Cancelled);
            return Some(Cancellation::Stopping(job));
        }
        Some(match &job.state {
            JobState::Queued | JobState::Processing { .. } => {
                inner.queue.remove(&queue_key(&job));
                Cancellation::Withdrawn(job)
            }
            JobState::Cancelled { .. } => Cancellation::AlreadyCancelled(job),
            JobState::Completed { .. } | JobState::Failed { .. } | JobState::Archived { .. } => Cancellation::Finished(job),
        })
    }

    /// The volume did not take the cancellation of a job that waited: it waits on.
    pub fn readmit(&self, job: &Job) {
        self.lock().queue.insert(queue_key(job), job.id);
        self.0.wake.notify_one();
    }

    /// Whether a job can be tried again: none if there is no such job.
    pub fn retry(&self, id: JobId) -> Option<Retry> {
        let job = self.find(id)?;
        Some(match &job.state {
            JobState::Failed { .. } | JobState::Cancelled { .. } => Retry::Possible(job),
            JobState::Queued | JobState::Processing { .. } => Retry::Pending(job),
            JobState::Completed { .. } | JobState::Archived { .. } => Retry::Finished(job),
        })
    }

    /// The job as it is when it is tried again: at the end of the queue, with all its attempts before it.
    pub fn renewed(&self, job: &Job) -> Job {
        Job { state: JobState::Queued, attempts: 0, arrival: self.next_sequence(), last_event: job.last_event + 1, ..job.clone() }
    }

    /// Queues a job again that lies in its place on the volume, as [`Registry::renewed`] made it.
    pub fn resubmit(&self, reservation: Reservation, renewed: &Job) -> Option<Arc<Job>> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let entry = inner.jobs.get_mut(&renewed.id)?;
        entry.stop = StopSignal::new();
        let job = inner.change(renewed.id, now, |job| *job = renewed.clone())?;
        inner.queue.insert(queue_key(&job), job.id);
        reservation.redeem(&mut inner);
        drop(inner);
        self.0.wake.notify_one();
        Some(job)
    }
}
