//! The queue's state.

use crate::api::jobs::bodies::uuid;
use crate::api::queue::bodies::{QueueStatus, WaitingJob};
use crate::api::state::AppState;
use crate::http::format::tenths;
use crate::http::requester::Requester;

/// What runs, and what waits in which order. Of other people's jobs, only how many there are.
pub(crate) fn status(state: &AppState, requester: &Requester) -> QueueStatus {
    let queued = state.registry.queued();
    let jobs = queued
        .iter()
        .enumerate()
        .filter(|(_, waiting)| requester.sees(&waiting.job))
        .map(|(index, waiting)| WaitingJob {
            job_id: uuid(waiting.job.id),
            status: waiting.job.state.name(),
            position: index + 1,
            priority: waiting.job.priority,
            estimated_start: waiting.estimated_start,
        })
        .collect();
    QueueStatus {
        queue_length: queued.len(),
        processing_job: state.registry.running().filter(|job| requester.sees(job)).map(|job| uuid(job.id)),
        average_processing_time: tenths(state.registry.average_processing_seconds()),
        jobs,
    }
}
