//! Takes up the jobs that a start finds on the volume.

use std::io;
use std::time::Instant;

use tracing::{error, info};

use crate::clock::Clock;
use crate::jobs::registry::Registry;
use crate::jobs::{Failure, FailureCode, Job, JobState};
use crate::volume::Volume;

/// From this attempt on, a job that the server died on waits behind the others of its priority. The first death may be no
/// fault of the recording (a power cut, an update), and costs it nothing.
const SUSPICIOUS_ATTEMPTS: u32 = 2;

/// Registers the jobs found on the volume. One that the server died on is tried again, unless it was too often.
pub(super) fn take_up(volume: &Volume, registry: &Registry, clock: &Clock, max_attempts: u32) -> io::Result<()> {
    let began = Instant::now();
    let recovered = volume.recover()?;
    let (mut queued, mut total) = (0, 0);
    let mut found = recovered.jobs;
    let mut jobs = Vec::with_capacity(found.len());
    let mut last_place = found.iter().map(|found| found.job.sequence.max(found.job.arrival)).max().unwrap_or(0);
    // In the order in which they ended, so that the estimates follow the last ones.
    found.sort_by_key(|found| (found.job.state.finished_at(), found.job.sequence));
    for found in found {
        total += 1;
        let mut job = found.job;
        if found.interrupted {
            if job.attempts >= max_attempts {
                let failure = Failure {
                    code: FailureCode::CrashedRepeatedly,
                    message: format!("The server stopped {} times while it worked on this recording", job.attempts),
                    stage: None,
                };
                job = Job {
                    state: JobState::Failed { started_at: None, finished_at: clock.now(), failure, progress: None },
                    last_event: job.last_event + 2,
                    ..job
                };
                if let Err(error) = volume.reject(&job) {
                    // It is not tried again all the same; the next start sets it aside.
                    error!(event = "reject_failed", cause = %error, "A job that the server died on stays in processing/");
                }
            } else {
                job.last_event += 1;
                if job.attempts >= SUSPICIOUS_ATTEMPTS {
                    last_place += 1;
                    job.arrival = last_place;
                }
                if let Err(error) = volume.put_back(&job) {
                    // A full disk must not keep the server from starting: it is begun where it lies.
                    error!(event = "put_back_failed", cause = %error, "A job that the server died on stays in processing/");
                }
            }
        }
        queued += usize::from(!job.state.is_terminal());
        jobs.push(job);
    }
    registry.restore_all(jobs);
    let seconds = began.elapsed().as_secs_f64();
    info!(event = "recovered", jobs = total, queued, unreadable = recovered.unreadable, seconds, "Read the volume");
    Ok(())
}
