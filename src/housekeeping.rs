//! Clears away what its time is over: recordings and results by the rules of retention, records of archived jobs, and what
//! deletions that were broken off left behind. Never what waits or runs.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::clock::Clock;
use crate::jobs::job_locks::JobLocks;
use crate::jobs::registry::Registry;
use crate::jobs::retention::{Due, Kept, Retention};
use crate::jobs::{Job, JobId, JobState};
use crate::volume::Volume;

/// The parts that it needs.
pub(crate) struct Housekeeping {
    /// All jobs.
    pub(crate) registry: Registry,
    /// All files.
    pub(crate) volume: Volume,
    /// The time.
    pub(crate) clock: Clock,
    /// Clients may change the same jobs.
    pub(crate) job_locks: Arc<JobLocks>,
    /// The rules.
    pub(crate) rules: Retention,
    /// Between two rounds.
    pub(crate) interval: Duration,
    /// Holds the process, and with it the volume, until what was begun is done.
    pub(crate) tasks: TaskTracker,
}

impl Housekeeping {
    /// Goes round until told to stop; the first time at once.
    pub(crate) async fn run(self, closing: CancellationToken) {
        // What is left of these may not be enough to be due.
        let mut broken_off = HashSet::new();
        loop {
            tokio::select! {
                () = self.round(&mut broken_off) => {}
                () = closing.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                () = closing.cancelled() => return,
            }
        }
    }

    async fn round(&self, broken_off: &mut HashSet<JobId>) {
        if let Err(error) = self.on_volume(Volume::sweep_deleted).await {
            error!(event = "sweep_failed", cause = %error, "What deletions left could not be removed");
        }
        if self.rules == Retention::default() {
            return;
        }
        let now = self.clock.now();
        let ended = self.registry.ended();
        let (archived, kept): (Vec<Arc<Job>>, Vec<Arc<Job>>) =
            ended.into_iter().partition(|job| matches!(job.state, JobState::Archived { .. }));
        for job in archived.into_iter().filter(|job| self.rules.forgets(job, now)) {
            self.forget(&job).await;
        }
        if !self.rules.looks_at_files() {
            return;
        }
        let (unfinished, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(|job| broken_off.remove(&job.id));
        let due = self.rules.due(&self.weighed(kept).await, now);
        for due in unfinished.into_iter().map(Due::Result).chain(due) {
            match due {
                Due::Recording(job) => self.remove_recording(&job).await,
                Due::Result(job) => {
                    if let Err(error) = self.archive(&job).await {
                        failed(&job, &error);
                        broken_off.insert(job.id);
                    }
                }
            }
        }
    }

    /// The jobs with what they have on the volume; one that cannot be looked at is left for the next round.
    async fn weighed(&self, jobs: Vec<Arc<Job>>) -> Vec<Kept> {
        let weigh = move |volume: &Volume| {
            let weighed = jobs.into_iter().filter_map(|job| {
                let footprint = volume.footprint(&job).ok()?;
                Some(Kept { job, recording_bytes: footprint.recording, result_bytes: footprint.result })
            });
            Ok(weighed.collect())
        };
        self.on_volume(weigh).await.unwrap_or_default()
    }

    /// Whether the job still is what it was when it was looked at; nobody else changes it then.
    fn is_unchanged(&self, job: &Arc<Job>) -> bool {
        self.registry.find(job.id).is_some_and(|now| Arc::ptr_eq(&now, job))
    }

    async fn remove_recording(&self, job: &Arc<Job>) {
        let _held = self.job_locks.hold(job.id).await;
        if !self.is_unchanged(job) {
            return;
        }
        let theirs = Arc::clone(job);
        match self.on_volume(move |volume| volume.remove_recording(&theirs)).await {
            Ok(()) => info!(event = "recording_removed", job_id = %job.id, "Removed a recording, by retention"),
            Err(error) => failed(job, &error),
        }
    }

    async fn archive(&self, job: &Arc<Job>) -> io::Result<()> {
        let _held = self.job_locks.hold(job.id).await;
        let (true, Some(finished_at)) = (self.is_unchanged(job), job.state.finished_at()) else { return Ok(()) };
        let state = JobState::Archived { started_at: job.state.started_at(), finished_at, archived_at: self.clock.now() };
        // With room for the numbers of the two events that tell of it.
        let archived = Job { state, last_event: job.last_event + 2, ..(**job).clone() };
        let (ended, on_disk) = (Arc::clone(job), archived.clone());
        self.on_volume(move |volume| volume.archive(&ended, &on_disk)).await?;
        self.registry.archive(&archived);
        info!(event = "job_archived", job_id = %job.id, "Archived a job, by retention");
        Ok(())
    }

    async fn forget(&self, job: &Arc<Job>) {
        let _held = self.job_locks.hold(job.id).await;
        if !self.is_unchanged(job) {
            return;
        }
        let theirs = Arc::clone(job);
        match self.on_volume(move |volume| volume.remove(theirs.id, &theirs.state)).await {
            Ok(()) => {
                self.registry.forget_archived(job.id);
                info!(event = "job_forgotten", job_id = %job.id, "Removed the record of an archived job, by retention");
            }
            Err(error) => failed(job, &error),
        }
    }

    async fn on_volume<T: Send + 'static>(&self, step: impl FnOnce(&Volume) -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let volume = self.volume.clone();
        self.tasks.spawn_blocking(move || step(&volume)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// It is tried again in the next round.
fn failed(job: &Job, error: &io::Error) {
    error!(event = "retention_failed", job_id = %job.id, cause = %error, "What retention removes could not be removed");
}
