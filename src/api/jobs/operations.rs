//! What can be done with one job: find it, wait for its next change, cancel it, retry it, delete it. The REST handlers and the
//! WebSocket commands call the same functions, so that the two cannot drift apart.

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

/// Finds a job that this requester may see. To others it does not exist.
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
    let Some(mut watched) = state.lifecycle.jobs().watch(id) else { return Err(ApiError::JobNotFound) };
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

/// Removes a job with all its traces; one that runs is stopped first.
pub(crate) async fn delete(state: &AppState, requester: &Requester, id: JobId) -> Result<(), ApiError> {
    find(state, requester, id)?;
    // Before, in case the client goes away; and after, in case a request has put it back meanwhile.
    state.response_cache().forget(id);
    let deleted = state.lifecycle.delete(id).await;
    state.response_cache().forget(id);
    Ok(deleted?)
}
