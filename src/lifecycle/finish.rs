//! The end of a run: a result, a failure, a cancellation, a deletion, or back into the queue.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::registry::{Requeued, Settled, Timing};
use super::{Inner, Lifecycle, Running, StoreError, transition};
use crate::jobs::{Failure, FailureCode, Job, JobId, JobState};
use crate::volume::ResultNames;

/// The end of a run: decided, numbered, and not yet recorded. Recording it can be tried again until it succeeds.
#[derive(Debug, Clone)]
pub struct Ending {
    job: Arc<Job>,
    result: Option<PublishedResult>,
    timing: Timing,
}

#[derive(Debug, Clone)]
struct PublishedResult {
    bytes: Arc<Vec<u8>>,
    names: ResultNames,
}

impl Ending {
    /// The job once its end is recorded.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Adds the bytes of `result.json` and the kind of link or copy by the recording's name. A completed job cannot be recorded
    /// without them.
    #[must_use]
    pub fn with_result(self, bytes: Vec<u8>, names: ResultNames) -> Self {
        Self { result: Some(PublishedResult { bytes: Arc::new(bytes), names }), ..self }
    }

    /// Excludes the time of this run from the estimates: part of the work was done before a restart.
    #[must_use]
    pub fn without_timing(self) -> Self {
        Self { timing: Timing::Ignored, ..self }
    }
}

/// The outcome of recording the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    Recorded,
    /// A client deleted the job meanwhile, and it was removed.
    Deleted,
}

/// The outcome of putting a running job back into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    Waiting,
    /// A client deleted the job meanwhile, and it was removed.
    Deleted,
    /// A client cancelled the job meanwhile: it has to be ended as cancelled.
    Cancelled,
}

impl Lifecycle {
    /// The run has a result, which the caller adds to the returned value.
    pub fn complete(&self, running: &Running) -> Ending {
        let job = transition::completed(&self.0.present(running), self.0.clock.now());
        Ending { job: Arc::new(job), result: None, timing: Timing::Measured }
    }

    /// The run has failed.
    pub fn fail(&self, running: &Running, failure: Failure) -> Ending {
        let job = transition::failed(&self.0.present(running), self.0.clock.now(), failure);
        Ending { job: Arc::new(job), result: None, timing: Timing::Ignored }
    }

    /// The run was cancelled by a client.
    pub fn end_cancelled(&self, running: &Running) -> Ending {
        let job = transition::cancelled(&self.0.present(running), self.0.clock.now());
        Ending { job: Arc::new(job), result: None, timing: Timing::Ignored }
    }

    /// Records the end of a run. A job that a client deleted meanwhile is removed instead.
    ///
    /// # Errors
    /// When the store refuses it: the job still counts as running, and the same end can be recorded later.
    pub async fn finish(&self, ending: &Ending) -> Result<Finished, StoreError> {
        let Ending { job, result, timing } = ending.clone();
        self.step(move |inner| {
            match (&job.state, result) {
                (JobState::Completed { .. }, Some(result)) => inner.volume.publish(&job, &result.bytes, result.names)?,
                (JobState::Completed { .. }, None) => {
                    return Err(StoreError::Failed("a completed job without a result".to_owned()));
                }
                (
                    JobState::Queued
                    | JobState::Processing { .. }
                    | JobState::Failed { .. }
                    | JobState::Cancelled { .. }
                    | JobState::Archived { .. },
                    _,
                ) => inner.volume.reject(&job)?,
            }
            match inner.registry.finish((*job).clone(), timing) {
                Settled::DeletedMeanwhile => {
                    inner.remove_running(job.id, &job.state);
                    return Ok(Finished::Deleted);
                }
                Settled::Recorded => {}
            }
            if matches!(job.state, JobState::Completed { .. }) {
                inner.keep_speed();
            }
            Ok(Finished::Recorded)
        })
        .await
    }

    /// Fails a job whose recording is missing from the store; only the registry is changed.
    pub async fn fail_without_recording(&self, running: &Running, failure: Failure) {
        let job = transition::failed(&self.0.present(running), self.0.clock.now(), failure);
        let id = job.id;
        if self.0.registry.finish(job, Timing::Ignored) == Settled::DeletedMeanwhile {
            self.remove_in(id, JobState::Queued).await;
        }
    }

    /// Puts the running job back into the queue, in the store and in the registry. If the store fails, the next start moves it.
    pub async fn put_back(&self, running: &Running) -> PutBack {
        let job = transition::put_back(&self.0.present(running));
        let waiting = job.clone();
        let put_back = self.step(move |inner| {
            if let Err(error) = inner.volume.put_back(&job) {
                error!(event = "put_back_failed", cause = %error, "A running job could not be put back; the next start does it");
            }
            let (id, state) = (job.id, job.state.clone());
            let put_back = inner.requeue(job);
            if put_back == PutBack::Deleted {
                inner.remove_running(id, &state);
            } else if put_back == PutBack::Waiting {
                info!(event = "job_put_back", "Put a running job back into the queue");
            }
            Ok::<_, StoreError>(put_back)
        });
        put_back.await.unwrap_or_else(|error| {
            // The step panicked. The next job may start all the same.
            error!(event = "put_back_failed", cause = %error, "A running job could not be put back; the next start does it");
            self.0.requeue(waiting)
        })
    }

    /// Puts a job that could not be claimed back into the queue; in the store it still waits.
    pub async fn requeue_unclaimed(&self, running: &Running) -> PutBack {
        let put_back = self.0.requeue(transition::put_back(&self.0.present(running)));
        if put_back == PutBack::Deleted {
            self.remove_in(running.id(), JobState::Queued).await;
        }
        put_back
    }

    /// Whether a client deleted the job while it runs.
    pub fn is_unwanted(&self, running: &Running) -> bool {
        self.0.registry.is_unwanted(running.id())
    }

    /// Removes the running job, which a client deleted.
    pub async fn remove_running(&self, running: &Running) {
        self.remove_in(running.id(), running.job().state.clone()).await;
    }

    async fn remove_in(&self, id: JobId, state: JobState) {
        let removed = self.step(move |inner| {
            inner.remove_running(id, &state);
            Ok::<_, StoreError>(())
        });
        if let Err(error) = removed.await {
            // The step panicked. The next job may start all the same.
            error!(event = "remove_failed", cause = %error, "A deleted job's files could not be removed");
            self.0.keep_undeletable(id);
        }
    }

    /// Drops the note of a cancellation once the job has ended and the note is no longer needed.
    pub async fn forget_cancellation(&self, running: &Running) {
        let id = running.id();
        if self.0.registry.find(id).is_some_and(|job| !job.state.is_terminal()) {
            return;
        }
        if let Err(error) = self.step(move |inner| Ok::<_, StoreError>(inner.volume.forget_cancellation(id)?)).await {
            warn!(event = "cancellation_left", cause = %error, "The note of a cancellation that was carried out stays in temp/");
        }
    }
}

impl Inner {
    /// The running job as it stands, frozen until its end is recorded: its events are numbered from here on.
    fn present(&self, running: &Running) -> Arc<Job> {
        self.registry.freeze(running.id()).unwrap_or_else(|| Arc::clone(running.shared()))
    }

    fn requeue(&self, job: Job) -> PutBack {
        match self.registry.requeue(job) {
            Requeued::Waiting => PutBack::Waiting,
            Requeued::DeletedMeanwhile => PutBack::Deleted,
            Requeued::CancelledMeanwhile => PutBack::Cancelled,
        }
    }

    /// Removes the running job from the store, from the folder of this state, and forgets it.
    fn remove_running(&self, id: JobId, state: &JobState) {
        match self.volume.remove(id, state) {
            Ok(()) => {
                self.registry.forget(id);
                info!(event = "job_deleted", "Deleted a running job");
            }
            Err(error) => {
                error!(event = "remove_failed", cause = %error, "A deleted job's files could not be removed");
                self.keep_undeletable(id);
            }
        }
    }

    /// Fails a job whose deletion failed, so that it stays known and the next job can run.
    fn keep_undeletable(&self, id: JobId) {
        let failure = Failure {
            code: FailureCode::InternalError,
            message: "The job was to be deleted, but its files could not be removed".to_owned(),
            stage: None,
        };
        if let Some(job) = self.registry.freeze(id) {
            self.registry.keep_undeletable(transition::failed(&job, self.clock.now(), failure));
        }
    }

    /// Keeps how long the last jobs took, for the estimates of the next start.
    fn keep_speed(&self) {
        if let Err(error) = self.volume.keep_speed(&self.registry.measured()) {
            warn!(event = "speed_not_kept", cause = %error, "How long the job took could not be written");
        }
    }
}
