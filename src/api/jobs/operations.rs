//! The operations on one job: find, wait for the next change, cancel, retry, delete. The REST handlers and the WebSocket
//! commands call the same functions, so that the two cannot drift apart.

use std::sync::Arc;
use std::time::Duration;

use super::bodies::JobBody;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::{Job, JobId};
use crate::lifecycle;

/// The outcome of a cancellation.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// The job has ended.
    Done(JobBody),
    /// The job runs and was asked to stop.
    Stopping(JobBody),
}

/// Finds a job that this requester may see. A job that it may not see does not exist for it.
pub(crate) fn find(state: &AppState, requester: &Requester, id: JobId) -> Result<Arc<Job>, ApiError> {
    state.lifecycle.jobs().find(id).filter(|job| requester.sees(job)).ok_or(ApiError::JobNotFound)
}

/// The body of a job as it stands.
pub(crate) fn body(state: &AppState, requester: &Requester, job: &Job) -> JobBody {
    JobBody::new(job, state.lifecycle.jobs().estimated_completion(job), requester)
}

/// A job as it stands.
pub(crate) fn get(state: &AppState, requester: &Requester, id: JobId) -> Result<JobBody, ApiError> {
    Ok(body(state, requester, &*find(state, requester, id)?))
}

/// Waits for the next change of a job after event `after`, or else from now on, and returns the job. Returns immediately if
/// the job has ended, and after `at_most` at the latest.
pub(crate) async fn wait(
    state: &AppState,
    requester: &Requester,
    id: JobId,
    after: Option<u64>,
    at_most: Duration,
) -> Result<JobBody, ApiError> {
    let job = find(state, requester, id)?;
    // An event number that was never used cannot be compared: the present state counts as a change.
    let seen = after.map_or(job.last_event, |number| if number > job.last_event { 0 } else { number });
    let Some(mut watched) = state.lifecycle.jobs().watch(id) else { return Err(ApiError::JobNotFound) };
    let is_news = |job: &Arc<Job>| job.last_event > seen || job.state.is_terminal();
    let changed = async {
        // The watch is closed when the job is deleted.
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
    Ok(match state.lifecycle.cancel(id).await? {
        lifecycle::Cancelled::Done(job) => Cancelled::Done(body(state, requester, &job)),
        lifecycle::Cancelled::Stopping(job) => Cancelled::Stopping(body(state, requester, &job)),
    })
}

/// Queues a failed or cancelled job again.
pub(crate) async fn retry(state: &AppState, requester: &Requester, id: JobId) -> Result<JobBody, ApiError> {
    if state.gate.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    find(state, requester, id)?;
    let job = state.lifecycle.retry(id).await?;
    Ok(body(state, requester, &job))
}

/// Removes a job with every trace; a running job is stopped first.
pub(crate) async fn delete(state: &AppState, requester: &Requester, id: JobId) -> Result<(), ApiError> {
    find(state, requester, id)?;
    // Before, in case the client disconnects; and after, in case another request has cached it meanwhile.
    state.response_cache().forget(id);
    let deleted = state.lifecycle.delete(id).await;
    state.response_cache().forget(id);
    Ok(deleted?)
}
