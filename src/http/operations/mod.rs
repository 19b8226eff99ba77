//! What can be done with the server, whichever way it is asked: the REST handlers and the WebSocket commands call the same
//! functions, so that the two cannot drift apart.

pub(super) mod admission;
pub(super) mod create;
pub(super) mod events;
pub(super) mod jobs;
pub(super) mod list;
pub(super) mod queue;
pub(super) mod result;

use std::sync::Arc;

use super::error::ApiError;
use super::requester::Requester;
use super::state::AppState;
use crate::jobs::{Job, JobId};

/// A job that this requester may know of; what it may not know of does not exist for it.
pub(super) fn find(state: &AppState, requester: &Requester, id: JobId) -> Result<Arc<Job>, ApiError> {
    state.lifecycle.jobs().find(id).filter(|job| requester.sees(job)).ok_or(ApiError::JobNotFound)
}
