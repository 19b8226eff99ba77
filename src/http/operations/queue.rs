//! The queue's state.

use crate::http::bodies::job::uuid;
use crate::http::bodies::queue::{QueueStatus, WaitingJob};
use crate::http::bodies::tenths;
use crate::http::requester::Requester;
use crate::http::state::AppState;

/// What runs, and what waits in which order. Of other people's jobs, only how many there are.
pub(in crate::http) fn status(state: &AppState, requester: &Requester) -> QueueStatus {
    let queued = state.lifecycle.jobs().queued();
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
        processing_job: state.lifecycle.jobs().running().filter(|job| requester.sees(job)).map(|job| uuid(job.id)),
        average_processing_time: tenths(state.lifecycle.jobs().average_processing_seconds()),
        jobs,
    }
}
