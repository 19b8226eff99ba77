//! The task that applies retention: recordings and results by its rules, records of archived jobs, and what interrupted
//! deletions left behind. It never touches what waits or runs, and leaves every change to [`Lifecycle`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::clock::Clock;
use crate::jobs::retention::{Due, Retention};
use crate::jobs::{Job, JobId, JobState};
use crate::lifecycle::{Lifecycle, StoreError};

/// The parts that it needs.
pub(crate) struct Housekeeping {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) clock: Clock,
    pub(crate) rules: Retention,
    /// Time between two rounds.
    pub(crate) interval: Duration,
}

impl Housekeeping {
    /// Makes rounds until the server closes; the first one at once.
    pub(crate) async fn run(self, closing: CancellationToken) {
        // Jobs whose archiving was interrupted: what is left of them may not be enough to be due again.
        let mut interrupted = HashSet::new();
        loop {
            tokio::select! {
                () = self.round(&mut interrupted) => {}
                () = closing.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                () = closing.cancelled() => return,
            }
        }
    }

    async fn round(&self, interrupted: &mut HashSet<JobId>) {
        if let Err(error) = self.lifecycle.sweep().await {
            error!(event = "sweep_failed", cause = %error, "What deletions left could not be removed");
        }
        if self.rules == Retention::default() {
            return;
        }
        let now = self.clock.now();
        let ended = self.lifecycle.jobs().ended();
        let (archived, kept): (Vec<Arc<Job>>, Vec<Arc<Job>>) =
            ended.into_iter().partition(|job| matches!(job.state, JobState::Archived { .. }));
        for job in archived.into_iter().filter(|job| self.rules.forgets(job, now)) {
            if let Err(error) = self.lifecycle.forget(&job).await {
                log_failure(&job, &error);
            }
        }
        if !self.rules.looks_at_files() {
            return;
        }
        let (unfinished, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(|job| interrupted.remove(&job.id));
        let due = self.rules.due(&self.lifecycle.measure(kept).await, now);
        for due in unfinished.into_iter().map(Due::Result).chain(due) {
            match due {
                Due::Recording(job) => {
                    if let Err(error) = self.lifecycle.remove_recording(&job).await {
                        log_failure(&job, &error);
                    }
                }
                Due::Result(job) => {
                    if let Err(error) = self.lifecycle.archive(&job).await {
                        log_failure(&job, &error);
                        interrupted.insert(job.id);
                    }
                }
            }
        }
    }
}

/// Logs a removal that failed; the next round tries it again.
fn log_failure(job: &Job, error: &StoreError) {
    error!(event = "retention_failed", job_id = %job.id, cause = %error, "What retention removes could not be removed");
}
