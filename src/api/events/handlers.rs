//! The events of a job as a stream (Server-Sent Events), or as a list for clients that poll.
//!
//! A stream that is cut off continues behind `Last-Event-ID`. When nothing more will come it is answered 204, at which a
//! browser's `EventSource` stops asking.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};

use super::bodies::{EventList, EventListMeta, NO_EVENTS};
use super::event_stream;
use super::follower::{EventMessage, Follower, Next, write_deletion, write_event};
use super::query::EventsQuery;
use crate::api::jobs::parameters::JobPath;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;

/// How long a browser waits before it reconnects.
const RETRY: Duration = Duration::from_secs(2);
/// The comment at the end of a stream whose job has not ended.
const FAREWELL: &str = "the server is stopping; connect again with the last id";

/// Events of a job
///
/// The events of a job as Server-Sent Events: the same messages as over WebSocket, each with its number as `id:`. After a
/// lost connection a client continues with `Last-Event-ID` (browsers send it automatically) or `last_seq`; if no more events
/// will come the answer is 204. Without a number the stream starts with the present state.
///
/// With `Accept: application/json` the answer is a list of the events after `last_seq`; with `wait`, it is sent as soon as
/// there is at least one, and after that many seconds at the latest.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/events", tag = "Jobs", responses(
    (status = 200, description = "Events", content((String = "text/event-stream"), (EventList = "application/json"))),
    (status = 204, description = "The job has ended, and the client knows of it"),
))]
pub(super) async fn get_events(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
    query: EventsQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if wants_list(&headers) {
        // A list starts with the first event.
        let follower = Follower::new(&state, &requester, id, Some(query.last_seq.unwrap_or(0)))?;
        return list(&state, &requester, follower, query.wait).await;
    }
    let mut follower = Follower::new(&state, &requester, id, query.last_seq)?;
    let first = follower.ready(&state);
    if query.last_seq.is_some() && matches!(first, Some(Next::Ended)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(event_stream::response(stream(state, requester, follower, first)))
}

/// Whether a client asks for JSON and not for a stream.
fn wants_list(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    accepted.contains("application/json") && !accepted.contains("text/event-stream")
}

async fn list(
    state: &AppState,
    requester: &Requester,
    mut follower: Follower,
    wait: Option<Duration>,
) -> Result<Response, ApiError> {
    let mut ready = VecDeque::new();
    let mut ended = false;
    let first = match follower.ready(state) {
        Some(first) => Some(first),
        None => tokio::select! {
            next = follower.next(state) => Some(next),
            () = tokio::time::sleep(wait.unwrap_or_default()) => None,
            () = state.closing.cancelled() => None,
        },
    };
    let mut next = first;
    while let Some(followed) = next {
        match followed {
            Next::Event(event) => ready.push_back(event),
            Next::Ended => {
                ended = true;
                break;
            }
            Next::Gone => return Err(ApiError::JobNotFound),
        }
        next = follower.ready(state);
    }
    let mut data = Vec::with_capacity(ready.len());
    for event in ready {
        data.push(write_event(state, requester, follower.id(), &event).await.text);
    }
    let list = serde_json::to_string(&EventList { data: [], meta: EventListMeta { last_seq: follower.last(), ended } });
    let list = list.map_err(|error| ApiError::Internal(format!("writing events: {error}")))?;
    let data = Outgoing::joined(data, ",").between("\"data\":[", "]");
    Ok(([(CONTENT_TYPE, "application/json")], Outgoing::from(list).fill(NO_EVENTS, data).into_body()).into_response())
}

/// The phase of an event stream.
enum Phase {
    /// The first line is due: it sets how long a client waits before it reconnects.
    Greeting(Option<Next>),
    /// Events follow as they happen.
    Following,
    /// Everything was sent, and the stream ends.
    Over,
}

fn stream(state: AppState, requester: Requester, follower: Follower, first: Option<Next>) -> impl Stream<Item = Outgoing> {
    let start = (state, requester, follower, Phase::Greeting(first), None);
    stream::unfold(start, |(state, requester, mut follower, phase, begun): (_, _, Follower, _, Option<Next>)| async move {
        let next = match phase {
            Phase::Over => return None,
            Phase::Greeting(first) => {
                return Some((event_stream::retry(RETRY), (state, requester, follower, Phase::Following, first)));
            }
            Phase::Following => match begun {
                Some(first) => first,
                None => tokio::select! {
                    next = follower.next(&state) => next,
                    // The client reconnects to the next server. Sent as a comment, since it is no event of the job.
                    () = state.closing.cancelled() => {
                        let farewell = event_stream::comment(FAREWELL);
                        return Some((farewell, (state, requester, follower, Phase::Over, None)));
                    }
                },
            },
        };
        match next {
            Next::Event(event) => {
                let EventMessage { seq, text } = write_event(&state, &requester, follower.id(), &event).await;
                Some((event_stream::event(Some(seq), text), (state, requester, follower, Phase::Following, None)))
            }
            Next::Ended => None,
            Next::Gone => {
                let message = event_stream::event(None, write_deletion(&state, follower.id()).into());
                Some((message, (state, requester, follower, Phase::Over, None)))
            }
        }
    })
}
