//! One job: look at it, wait for its next change, cancel it, have it tried again, delete it.
//!
//! Changes of one job follow each other; once begun, each goes on when its client goes away.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::find;
use crate::api::jobs::bodies::JobBody;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::registry::{Cancellation, Outcome, Removal, Retry, Settled};
use crate::jobs::{Job, JobId, JobState};

/// How long a deletion waits for a running job to let go.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// What became of a cancellation.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// The job has ended.
    Done(JobBody),
    /// It was told to stop.
    Stopping(JobBody),
}

/// The body of a job as it stands.
pub(crate) fn body(state: &AppState, requester: &Requester, job: &Job) -> JobBody {
    JobBody::new(job, state.registry.estimated_completion(job), requester)
}

/// A job as it stands.
pub(crate) fn get(state: &AppState, requester: &Requester, id: JobId) -> Result<JobBody, ApiError> {
    Ok(body(state, requester, &*find(state, requester, id)?))
}

/// A job as it stands after its next change: after the event of this number, or else from now on. At once when it has ended,
/// and at the latest when the time is over.
pub(crate) async fn wait(
    state: &AppState,
    requester: &Requester,
    id: JobId,
    after: Option<u64>,
    at_most: Duration,
) -> Result<JobBody, ApiError> {
    let job = find(state, requester, id)?;
    // A number that was never given is of another life of the job: the present state is news.
    let seen = after.map_or(job.last_event, |number| if number > job.last_event { 0 } else { number });
    let Some(mut watched) = state.registry.watch(id) else { return Err(ApiError::JobNotFound) };
    let is_news = |job: &Arc<Job>| job.last_event > seen || job.state.is_terminal();
    let changed = async {
        // A closed watch says that the job was deleted.
        let _gone = watched.states.wait_for(is_news).await;
    };
    tokio::select! {
        () = changed => {}
        () = tokio::time::sleep(at_most) => {}
        () = state.closing.cancelled() => {}
    }
    get(state, requester, id)
}

/// Cancels a job that waits or runs.
pub(crate) async fn cancel(state: &AppState, requester: &Requester, id: JobId) -> Result<Cancelled, ApiError> {
    find(state, requester, id)?;
    let guard = state.job_locks.hold(id).await;
    match state.registry.cancel(id).ok_or(ApiError::JobNotFound)? {
        Cancellation::Stopping(job) => {
            let task = state.clone();
            let ended = cancelled(state, &job);
            let noted = state.tasks.spawn_blocking(move || {
                let _held = guard;
                task.volume.note_cancellation(&ended)?;
                // Whoever ran it may have been done with it before this was written.
                let has_ended = task.registry.find(id).is_none_or(|job| job.state.is_terminal());
                if has_ended { task.volume.forget_cancellation(id) } else { Ok(()) }
            });
            let noted = noted.await.map_err(|error| ApiError::Internal(format!("cancelling a job: {error}")))?;
            noted.map_err(|error| ApiError::from_io("cancelling a job", &error))?;
            Ok(Cancelled::Stopping(body(state, requester, &job)))
        }
        Cancellation::AlreadyCancelled(job) => Ok(Cancelled::Done(body(state, requester, &job))),
        Cancellation::Finished(job) => Err(ApiError::JobFinished { status: job.state.name() }),
        Cancellation::Withdrawn(job) => {
            let task = state.clone();
            let set_aside = state.tasks.spawn_blocking(move || {
                let _held = guard;
                let ended = cancelled(&task, &job);
                let finished_at = ended.state.finished_at().unwrap_or_else(|| task.clock.now());
                if let Err(error) = task.volume.reject(&ended) {
                    task.registry.readmit(&job);
                    return Err(ApiError::from_io("cancelling a job", &error));
                }
                let settled = task.registry.finish(id, finished_at, Outcome::Cancelled);
                debug_assert_eq!(settled, Settled::Recorded, "only a running job is deleted by its stop signal");
                info!(event = "job_cancelled", job_id = %id, "Cancelled a job that waited");
                Ok(())
            });
            set_aside.await.map_err(|error| ApiError::Internal(format!("cancelling a job: {error}")))??;
            Ok(Cancelled::Done(get(state, requester, id)?))
        }
    }
}

/// A job as it is once its cancellation is carried out.
fn cancelled(state: &AppState, job: &Job) -> Job {
    let (started_at, progress) = (job.state.started_at(), job.state.progress());
    let ended = JobState::Cancelled { started_at, finished_at: state.clock.now(), progress };
    Job { state: ended, last_event: job.last_event + 2, ..job.clone() }
}

/// Queues a failed or cancelled job again.
pub(crate) async fn retry(state: &AppState, requester: &Requester, id: JobId) -> Result<JobBody, ApiError> {
    if state.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    find(state, requester, id)?;
    let guard = state.job_locks.hold(id).await;
    let job = match state.registry.retry(id).ok_or(ApiError::JobNotFound)? {
        Retry::Possible(job) => job,
        // The same wish once more, for example because its first answer was lost: it is fulfilled already.
        Retry::Pending(job) => return Ok(body(state, requester, &job)),
        Retry::Finished(job) => return Err(ApiError::JobFinished { status: job.state.name() }),
    };
    let reservation = state.registry.reserve()?;
    let task = state.clone();
    let queued = state.tasks.spawn_blocking(move || {
        let _held = guard;
        let renewed = task.registry.renewed(&job);
        task.volume.retry(&renewed).map_err(|error| {
            let is_gone = error.kind() == io::ErrorKind::NotFound;
            if is_gone { ApiError::FileNotFound } else { ApiError::from_io("retrying a job", &error) }
        })?;
        let job = task.registry.resubmit(reservation, &renewed).ok_or(ApiError::JobNotFound)?;
        info!(event = "job_retried", job_id = %id, "Queued a job again");
        Ok::<_, ApiError>(job)
    });
    let job = queued.await.map_err(|error| ApiError::Internal(format!("retrying a job: {error}")))??;
    Ok(body(state, requester, &job))
}

/// Removes a job with all its traces; one that runs is stopped first.
pub(crate) async fn delete(state: &AppState, requester: &Requester, id: JobId) -> Result<(), ApiError> {
    find(state, requester, id)?;
    let guard = state.job_locks.hold(id).await;
    state.response_cache().forget(id);
    match state.registry.remove(id).ok_or(ApiError::JobNotFound)? {
        Removal::Removed(job) => {
            let task = state.clone();
            let removed = state.tasks.spawn_blocking(move || {
                let _held = guard;
                task.volume.remove(id, &job.state).inspect_err(|_| {
                    // It is still there, so it stays known.
                    task.registry.restore((*job).clone());
                })
            });
            removed
                .await
                .map_err(|error| ApiError::Internal(format!("removing a job: {error}")))?
                .map_err(|error| ApiError::Internal(format!("removing a job: {error}")))
        }
        Removal::Stopping(mut watch) => {
            drop(guard);
            let gone = async {
                while watch.changed().await.is_ok() {
                    if watch.borrow_and_update().state.is_terminal() {
                        return Err(ApiError::Internal("the files of a running job could not be removed".to_owned()));
                    }
                }
                Ok(())
            };
            let late = || ApiError::Internal("a running job did not stop for its deletion in time".to_owned());
            tokio::time::timeout(STOP_DEADLINE, gone).await.map_err(|_| late())?
        }
    }
}
