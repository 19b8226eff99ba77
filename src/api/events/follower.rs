//! Follows the events of a job from any point on, and writes them as messages: the same for WebSocket, Server-Sent Events and
//! polling.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::watch;

use super::bodies::JobEvent;
use crate::api::jobs::bodies::{JobErrorBody, ProgressBody, uuid};
use crate::api::jobs::operations::find;
use crate::api::jobs::result::{self, NO_ANNOTATION};
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;
use crate::jobs::events::{Event, EventKind};
use crate::jobs::{Job, JobId, JobState};

/// An event as a message, with its number.
pub(crate) struct EventMessage {
    pub(crate) seq: u64,
    pub(crate) text: Outgoing,
}

/// A job's events from some point on.
pub(crate) struct Follower {
    id: JobId,
    states: watch::Receiver<Arc<Job>>,
    /// The number of the last event that was returned.
    last: u64,
    waiting: VecDeque<Arc<Event>>,
}

/// The next step of following a job.
pub(crate) enum Next {
    Event(Arc<Event>),
    /// The job has ended, and all its events were returned.
    Ended,
    /// The job was deleted.
    Gone,
}

impl Follower {
    /// Follows a job, starting after event `after`; without a number, starting with its present state.
    pub(crate) fn new(state: &AppState, requester: &Requester, id: JobId, after: Option<u64>) -> Result<Self, ApiError> {
        let job = find(state, requester, id)?;
        let watched = state.lifecycle.jobs().watch(id).ok_or(ApiError::JobNotFound)?;
        // An event number that was never used is no position: all events are sent.
        let last = after.map_or(watched.before_present, |number| if number > job.last_event { 0 } else { number });
        Ok(Self { id, states: watched.states, last, waiting: VecDeque::new() })
    }

    pub(crate) fn id(&self) -> JobId {
        self.id
    }

    /// The number of the last event that was returned.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The next step, if it is there already.
    pub(crate) fn ready(&mut self, state: &AppState) -> Option<Next> {
        if self.waiting.is_empty() {
            let job = Arc::clone(&self.states.borrow_and_update());
            if job.last_event > self.last {
                self.waiting = state.lifecycle.jobs().events_after(self.id, self.last)?.into();
            } else if job.state.is_terminal() {
                return Some(Next::Ended);
            }
        }
        let event = self.waiting.pop_front()?;
        self.last = event.number;
        Some(Next::Event(event))
    }

    /// Waits for the next step.
    pub(crate) async fn next(&mut self, state: &AppState) -> Next {
        loop {
            if let Some(next) = self.ready(state) {
                return next;
            }
            if self.states.changed().await.is_err() {
                return Next::Gone;
            }
        }
    }
}

/// Writes an event as a message for this requester. A result is read from the volume, a large one while it is sent.
pub(crate) async fn write_event(state: &AppState, requester: &Requester, id: JobId, event: &Event) -> EventMessage {
    let job_id = uuid(id);
    let (seq, timestamp) = (event.number, event.at);
    let mut annotation = None;
    let message = match (event.kind, &event.state) {
        (EventKind::Status, at) => JobEvent::StatusUpdate {
            job_id,
            status: at.name(),
            progress: ProgressBody::new(at, event.estimated_completion),
            seq,
            timestamp,
        },
        (EventKind::Outcome, JobState::Completed { .. }) => {
            let read = result::read(state, requester, id).await;
            let found = match read {
                Ok(file) => file.annotation().await,
                Err(error) => Err(error),
            };
            match found {
                Ok(found) => {
                    annotation = Some(found);
                    JobEvent::Result { job_id, status: "completed", result: RawValue::NULL, seq, timestamp }
                }
                Err(error) => JobEvent::Error { job_id, error: error_body(&error, requester), seq, timestamp },
            }
        }
        (EventKind::Outcome, at) => {
            let error = JobErrorBody::new(at, requester).unwrap_or_else(|| error_body(&ApiError::ResultArchived, requester));
            JobEvent::Error { job_id, error, seq, timestamp }
        }
    };
    let text = serde_json::to_string(&message).expect("a message has string keys and finite numbers, so it is always JSON");
    let text = match annotation {
        Some(annotation) => Outgoing::from(text).fill(NO_ANNOTATION, annotation),
        None => text.into(),
    };
    EventMessage { seq, text }
}

/// Writes the message that a job was deleted. It has no number, since nothing comes after it.
pub(crate) fn write_deletion(state: &AppState, id: JobId) -> String {
    let message = JobEvent::JobDeleted { job_id: uuid(id), timestamp: state.gate.clock.now() };
    serde_json::to_string(&message).expect("a message has string keys and finite numbers, so it is always JSON")
}

fn error_body(error: &ApiError, requester: &Requester) -> JobErrorBody {
    JobErrorBody { code: error.code().name(), message: error.message(requester.language), stage: None }
}
