//! What can be done with the server, whichever way it is asked: the REST handlers and the WebSocket commands call the same
//! functions, so that the two cannot drift apart.

pub(crate) mod admission;
pub(crate) mod create;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod list;
pub(crate) mod queue;
pub(crate) mod result;

use std::sync::Arc;

use super::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::{Job, JobId};

/// A job that this requester may know of; what it may not know of does not exist for it.
pub(crate) fn find(state: &AppState, requester: &Requester, id: JobId) -> Result<Arc<Job>, ApiError> {
    state.registry.find(id).filter(|job| requester.sees(job)).ok_or(ApiError::JobNotFound)
}
