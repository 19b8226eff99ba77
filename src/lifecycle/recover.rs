//! The start: every job in the store is registered, and changes that a crash interrupted are completed.

use std::time::Instant;

use tracing::{error, info, warn};

use super::{Inner, Lifecycle, StoreError, transition};
use crate::jobs::{Failure, FailureCode, Job};
use crate::volume::{FoundAs, RecoveredJob};

/// From this attempt on, a job that was running when the server crashed waits behind the others of its priority. The first
/// crash may have another cause (a power cut, an update), so the job keeps its place.
const SUSPICIOUS_ATTEMPTS: u32 = 2;

impl Lifecycle {
    /// Registers the jobs found in the store. A job that was running when the server crashed is tried again, unless that
    /// happened `max_attempts` times. The attempt does not count if a recording was being examined just then: that runs decoders on
    /// whatever was sent, and takes milliseconds, so it is the likelier cause.
    ///
    /// # Errors
    /// When the store cannot be read, or refuses a pending cancellation.
    pub fn recover(&self, max_attempts: u32) -> Result<(), StoreError> {
        let began = Instant::now();
        let inner = &self.0;
        let recovered = inner.volume.recover()?;
        let mut found = recovered.jobs;
        let (total, mut queued) = (found.len(), 0);
        let mut jobs = Vec::with_capacity(total);
        let mut last_place = found.iter().map(|found| found.job.sequence.max(found.job.arrival)).max().unwrap_or(0);
        found.sort_by_key(|found| found.job.sequence);
        for RecoveredJob { job, found } in found {
            let job = match found {
                FoundAs::Interrupted if recovered.was_examining => {
                    let arrival = job.arrival;
                    inner.resume(&transition::uncounted(&job), arrival)
                }
                FoundAs::AsRecorded => job,
                FoundAs::Cancelled(noted) => inner.cancel_found(&job, *noted)?,
                FoundAs::Interrupted if job.attempts >= max_attempts => inner.give_up(&job),
                FoundAs::Interrupted => {
                    let arrival = if job.attempts >= SUSPICIOUS_ATTEMPTS {
                        last_place += 1;
                        last_place
                    } else {
                        job.arrival
                    };
                    inner.resume(&job, arrival)
                }
            };
            queued += usize::from(!job.state.is_terminal());
            jobs.push(job);
        }
        for id in recovered.noted {
            if let Err(error) = inner.volume.forget_cancellation(id) {
                warn!(event = "not_swept", cause = %error, "A cancellation that was carried out could not be removed");
            }
        }
        // In the order in which they ended, so that the estimates follow the last ones.
        jobs.sort_by_key(|job| (job.state.finished_at(), job.sequence));
        inner.registry.restore_all(jobs);
        let seconds = began.elapsed().as_secs_f64();
        info!(event = "recovered", jobs = total, queued, refused = recovered.refused, seconds, "Read the volume");
        Ok(())
    }
}

impl Inner {
    /// Completes a cancellation that was noted but not completed before the server crashed.
    fn cancel_found(&self, job: &Job, noted: Job) -> Result<Job, StoreError> {
        let cancelled = transition::cancelled_by_note(job, noted);
        self.volume.reject(&cancelled)?;
        Ok(cancelled)
    }

    /// Fails a job that was running at too many crashes of the server.
    fn give_up(&self, job: &Job) -> Job {
        let failure = Failure {
            code: FailureCode::CrashedRepeatedly,
            message: format!("The server stopped {} times while it worked on this recording", job.attempts),
            stage: None,
        };
        let failed = transition::failed(job, self.clock.now(), failure);
        if let Err(error) = self.volume.reject(&failed) {
            // It is not tried again; the next start moves it to `failed/`.
            error!(event = "reject_failed", cause = %error, "A job that the server died on stays in processing/");
        }
        failed
    }

    /// Puts a job that was running when the server crashed back into the queue, at this place.
    fn resume(&self, job: &Job, arrival: u64) -> Job {
        let waiting = transition::resumed(job, arrival);
        if let Err(error) = self.volume.put_back(&waiting) {
            // A full disk must not prevent the server from starting: the job is started from its present folder.
            error!(event = "put_back_failed", cause = %error, "A job that the server died on stays in processing/");
        }
        waiting
    }
}
