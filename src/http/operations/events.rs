//! A job's events as text, and following them from any point on: the same for WebSocket, Server-Sent Events and polling.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::{find, result};
use crate::api::events::bodies::JobEvent;
use crate::api::jobs::bodies::ProgressBody;
use crate::api::jobs::bodies::{JobErrorBody, uuid};
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::events::{Event, EventKind};
use crate::jobs::{Job, JobId, JobState};

/// One event, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Its number.
    pub(crate) seq: u64,
    /// The JSON text.
    pub(crate) text: String,
}

/// A job's events from some point on.
pub(crate) struct Follower {
    id: JobId,
    states: watch::Receiver<Arc<Job>>,
    /// The number of the last event that was taken.
    last: u64,
    waiting: VecDeque<Arc<Event>>,
}

/// What following a job brings next.
pub(crate) enum Followed {
    /// An event.
    Event(Arc<Event>),
    /// There will be no more: the job has ended, and all was told.
    Ended,
    /// The job was deleted.
    Gone,
}

impl Follower {
    /// Follows a job from behind the event of this number; without one, from its present state on.
    pub(crate) fn new(state: &AppState, requester: &Requester, id: JobId, after: Option<u64>) -> Result<Self, ApiError> {
        let job = find(state, requester, id)?;
        let watched = state.registry.watch(id).ok_or(ApiError::JobNotFound)?;
        // A number that was never given is no place to go on from.
        let last = after.map_or(watched.before_present, |number| if number > job.last_event { 0 } else { number });
        Ok(Self { id, states: watched.states, last, waiting: VecDeque::new() })
    }

    /// The job.
    pub(crate) fn id(&self) -> JobId {
        self.id
    }

    /// The number of the last event that was taken.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// What is there now: none when it has to be waited for.
    pub(crate) fn ready(&mut self, state: &AppState) -> Option<Followed> {
        if self.waiting.is_empty() {
            let job = Arc::clone(&self.states.borrow_and_update());
            if job.last_event > self.last {
                self.waiting = state.registry.events_after(self.id, self.last)?.into();
            } else if job.state.is_terminal() {
                return Some(Followed::Ended);
            }
        }
        let event = self.waiting.pop_front()?;
        self.last = event.number;
        Some(Followed::Event(event))
    }

    /// What comes next.
    pub(crate) async fn next(&mut self, state: &AppState) -> Followed {
        loop {
            if let Some(next) = self.ready(state) {
                return next;
            }
            if self.states.changed().await.is_err() {
                return Followed::Gone;
            }
        }
    }
}

/// An event as it is told.
pub(crate) async fn tell(state: &AppState, requester: &Requester, id: JobId, event: &Event) -> Told {
    let job_id = uuid(id);
    let (seq, timestamp) = (event.number, event.at);
    let annotation;
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
            match read.and_then(|file| file.annotation()) {
                Ok(found) => {
                    annotation = found;
                    JobEvent::Result { job_id, status: "completed", result: &annotation, seq, timestamp }
                }
                Err(error) => JobEvent::Error { job_id, error: told_error(&error, requester), seq, timestamp },
            }
        }
        (EventKind::Outcome, at) => {
            let error = JobErrorBody::new(at, requester).unwrap_or_else(|| told_error(&ApiError::ResultArchived, requester));
            JobEvent::Error { job_id, error, seq, timestamp }
        }
    };
    let text = serde_json::to_string(&message).expect("a message has string keys and finite numbers, so it is always JSON");
    Told { seq, text }
}

/// That a job was deleted. It has no number: nothing can be asked for behind it.
pub(crate) fn tell_deleted(state: &AppState, id: JobId) -> String {
    let message = JobEvent::JobDeleted { job_id: uuid(id), timestamp: state.clock.now() };
    serde_json::to_string(&message).expect("a message has string keys and finite numbers, so it is always JSON")
}

fn told_error(error: &ApiError, requester: &Requester) -> JobErrorBody {
    JobErrorBody { code: error.code().name(), message: error.message(requester.language), stage: None }
}
