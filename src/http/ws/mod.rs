//! WebSocket (RFC 6455): `/ws/{job_id}` follows one job to its end, `/ws` is a session in which everything can be done that
//! REST can do. Both understand the same commands; they are served by the same functions as the REST handlers.

pub(super) mod answer;
pub(super) mod command;
mod dispatch;
#[cfg(fuzzing)]
pub(super) use dispatch::read;
mod handshake;
mod session;
mod uploading;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use session::{PATIENCE, Session};

use super::credentials::SUBPROTOCOL;
use super::error::ApiError;
use super::extract::JobPath;
use super::guard::Visitor;
use super::parameters::JobQuery;
use super::requester::Requester;
use super::state::AppState;
use crate::jobs::JobId;

/// The largest message from a client, in bytes; beyond, the connection is closed with 1009.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// What is read of a message at most, in bytes. More than the limit, so that a client that is somewhat over it is read to the
/// end and sees the code: a connection that is closed with bytes unread is reset.
const MAX_READ_BYTES: usize = 2 * MAX_MESSAGE_BYTES;
/// What a connection reads at a time, in bytes: the library's own 128 KiB would be held by every silent connection.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Which job a session is about from the start.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// None: the client says what it wants.
    Free,
    /// This one, and it ends with it.
    Job(JobId, Option<u64>),
    /// One that there cannot be.
    Nothing,
}

/// Follows one job; whether it is known is said over the connection, since browsers cannot read a refused upgrade.
pub(super) async fn watch_job(
    State(state): State<AppState>,
    requester: Requester,
    visitor: Visitor,
    job: Result<JobPath, ApiError>,
    query: Result<JobQuery, ApiError>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let bound = match (job, query) {
        (_, Err(refusal)) => return refusal.into_response(),
        (Ok(JobPath(id)), Ok(query)) => Bound::Job(id, query.last_seq),
        (Err(_), Ok(_)) => Bound::Nothing,
    };
    open(state, requester, visitor, bound, upgrade)
}

/// Opens a session for everything.
pub(super) async fn open_session(
    State(state): State<AppState>,
    requester: Requester,
    visitor: Visitor,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    open(state, requester, visitor, Bound::Free, upgrade)
}

fn open(
    state: AppState,
    requester: Requester,
    visitor: Visitor,
    bound: Bound,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return ApiError::UpgradeRequired.into_response() };
    let tasks = state.tasks.clone();
    upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_READ_BYTES)
        .max_frame_size(MAX_READ_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .on_upgrade(move |socket| {
            // Tracked, so that a stopping server sends its close frames before it ends.
            tasks.track_future(async move {
                let mut session = Session::new(state, requester, visitor, socket);
                let (code, reason) = session.run(bound).await.unwrap_or_else(|end| end);
                goodbye(session.into_socket(), code, reason).await;
            })
        })
}

/// Closes with a code, and waits a moment for the client's half of the closing handshake, so that it sees the code and not a
/// broken connection.
async fn goodbye(mut socket: WebSocket, code: u16, reason: &'static str) {
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // The client may be gone already; then there is nobody left to tell.
    let _gone = timeout(PATIENCE, socket.send(close)).await;
    let closed = async { while matches!(socket.recv().await, Some(Ok(_))) {} };
    // A client that does not close is left behind.
    let _elapsed = timeout(std::time::Duration::from_secs(2), closed).await;
}
