//! Every way from one state of a job to the next, as values: an old job goes in, the job to be written and published comes
//! out. Pure, and the only place that works out event numbers.
//!
//! A state is announced by one event, or by two when the job has ended: its status and its outcome. [`Job::last_event`] is the
//! number of the last of them, so it grows by [`JobState::events`] with each transition. Numbers are never reused, not even
//! after a crash: a client that names the last one it saw misses nothing.

use chrono::{DateTime, Utc};

use crate::jobs::progress::Progress;
use crate::jobs::{Failure, Job, JobState};

/// More events than one run of a job can produce: progress comes in whole percents, so a run makes little more than a hundred.
/// The record that is written at the claim reserves them, and after a crash numbering continues behind them.
const EVENTS_OF_A_RUN: u64 = 1000;

/// The job in another state, with the events that announce it counted.
fn moved(job: &Job, state: JobState) -> Job {
    Job { last_event: job.last_event + state.events(), state, ..job.clone() }
}

/// A new job: its first event announces the state it was made in.
pub(super) fn made(job: Job) -> Job {
    Job { last_event: job.state.events(), ..job }
}

/// A job from the store. Records of versions before events hold no number.
pub(super) fn loaded(job: Job) -> Job {
    Job { last_event: job.last_event.max(job.state.events()), ..job }
}

/// The next attempt of the job was started.
pub(super) fn started(job: &Job, at: DateTime<Utc>) -> Job {
    let state = JobState::Processing { started_at: at, progress: Progress::START };
    Job { attempts: job.attempts + 1, ..moved(job, state) }
}

/// The record of a started job: it reserves the event numbers of the run, since progress is not written.
pub(super) fn claimed(job: &Job) -> Job {
    Job { last_event: job.last_event + EVENTS_OF_A_RUN, ..job.clone() }
}

/// The running job has progressed.
pub(super) fn progressed(job: &Job, started_at: DateTime<Utc>, progress: Progress) -> Job {
    moved(job, JobState::Processing { started_at, progress })
}

/// The running job waits again, at its old place in the queue. The attempt is not counted: nothing went wrong with it.
pub(super) fn put_back(job: &Job) -> Job {
    Job { attempts: job.attempts.saturating_sub(1), ..moved(job, JobState::Queued) }
}

/// The job is completed with a result.
pub(super) fn completed(job: &Job, at: DateTime<Utc>) -> Job {
    moved(job, JobState::Completed { started_at: job.state.started_at().unwrap_or(at), finished_at: at })
}

/// The job has failed for this reason.
pub(super) fn failed(job: &Job, at: DateTime<Utc>, failure: Failure) -> Job {
    let (started_at, progress) = (job.state.started_at(), job.state.progress());
    moved(job, JobState::Failed { started_at, finished_at: at, failure, progress })
}

/// A client cancelled the job.
pub(super) fn cancelled(job: &Job, at: DateTime<Utc>) -> Job {
    let (started_at, progress) = (job.state.started_at(), job.state.progress());
    moved(job, JobState::Cancelled { started_at, finished_at: at, progress })
}

/// A cancellation that was noted while the job ran, carried out by the next start. Either record may hold the greater number.
pub(super) fn cancelled_by_note(job: &Job, noted: Job) -> Job {
    moved(&Job { last_event: job.last_event.max(noted.last_event), ..job.clone() }, noted.state)
}

/// A failed or cancelled job waits again, at this place in the queue and with all its attempts left.
pub(super) fn retried(job: &Job, arrival: u64) -> Job {
    Job { attempts: 0, arrival, ..moved(job, JobState::Queued) }
}

/// The job was running when the server crashed on something else: the attempt does not count.
pub(super) fn uncounted(job: &Job) -> Job {
    Job { attempts: job.attempts.saturating_sub(1), ..job.clone() }
}

/// The job was running when the server crashed and waits again, possibly behind the others of its priority.
pub(super) fn resumed(job: &Job, arrival: u64) -> Job {
    Job { arrival, ..moved(job, JobState::Queued) }
}

/// The job's recording and result are removed by retention. None if it has not ended.
pub(super) fn archived(job: &Job, at: DateTime<Utc>) -> Option<Job> {
    let (started_at, finished_at) = (job.state.started_at(), job.state.finished_at()?);
    Some(moved(job, JobState::Archived { started_at, finished_at, archived_at: at }))
}

#[cfg(test)]
pub(super) mod tests;
