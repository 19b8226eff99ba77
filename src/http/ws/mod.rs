//! WebSocket (RFC 6455): upgrade, handshake, commands, subscriptions, heartbeats and limits. Which commands and topics there
//! are, the application says.

mod answer;
mod application;
mod client;
mod close;
mod command;
mod handshake;
mod schema;
mod session;
mod socket;
mod upgrade;

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tracing::debug;

use super::error::ApiError;
use super::gate::Gate;
use super::requester::Requester;
use super::serve::Connection;
use super::visitor::Visitor;
use crate::access::Scope;
use session::Session;
use socket::{MAX_MESSAGE_BYTES, PATIENCE, Socket};

pub(crate) use answer::{Answer, Reply};
pub(crate) use application::{Application, Upload};
pub(crate) use client::{Client, Ended, Step, Steps};
pub(crate) use close::Close;
pub(crate) use command::{Command, Commands};
pub(crate) use schema::{answer_schema, client_message_schema};
pub(crate) use upgrade::Upgrade;

/// The largest binary frame, in bytes.
pub(crate) const MAX_FRAME_BYTES: usize = MAX_MESSAGE_BYTES;
/// How long a closing session waits for the client's close frame.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a client may take to read its close code when it has no right to the connection any more.
const BRIEF: Duration = Duration::from_millis(500);

/// A request for a session, beside the upgrade itself.
pub(crate) struct Opening<A: Application> {
    pub(crate) app: A,
    pub(crate) commands: &'static Commands<A>,
    pub(crate) gate: Gate,
    pub(crate) requester: Requester,
    pub(crate) visitor: Visitor,
}

impl<A: Application> Opening<A> {
    /// Opens the session. `begin` is called once the caller is known; a session that it refuses is closed.
    pub(crate) fn open(
        self,
        upgrade: Result<Upgrade, ApiError>,
        begin: impl FnOnce(&mut Client<A>) -> Result<(), Close> + Send + 'static,
    ) -> Response {
        let (response, connection) = match upgrade {
            Ok(upgrade) => upgrade.accept(),
            Err(refusal) => return refusal.into_response(),
        };
        let Self { app, commands, gate, requester, visitor } = self;
        // Tracked, so that a stopping server sends its close frames before it ends.
        gate.tasks.clone().spawn(async move {
            let socket = match connection.await {
                Ok(connection) => Socket::new(connection).await,
                Err(error) => return debug!(cause = %error, "A client was gone before its WebSocket was open"),
            };
            let place = visitor.connection.clone();
            let mut session = Session::new(Client::new(app, gate, requester, visitor), commands, socket);
            let close = tokio::select! {
                ended = session.run(begin) => ended.unwrap_or_else(|close| close),
                () = asked_to_leave(place) => close::CROWDED,
            };
            say_goodbye(session.into_socket(), close).await;
        });
        response
    }
}

/// Checks the scope that a session needs from the start.
///
/// # Errors
/// The close of a session whose key lacks `read`.
pub(crate) fn may_read(requester: &Requester) -> Result<(), Close> {
    if requester.caller.may(Scope::Read) { Ok(()) } else { Err((close::FORBIDDEN, "the key lacks the scope read")) }
}

/// Returns when the connection is needed for another client.
async fn asked_to_leave(connection: Option<Connection>) {
    match connection {
        Some(connection) => connection.asked_to_leave().await,
        None => std::future::pending().await,
    }
}

/// Closes with a code, and waits a moment for the client's half of the closing handshake, so that it sees the code and not a
/// broken connection. A client whose key was not valid, or whose connection another one needs, has less time for both.
async fn say_goodbye(mut socket: Socket, (code, reason): Close) {
    let brief = code == close::UNAUTHORIZED || (code, reason) == close::CROWDED;
    let (patience, farewell) = if brief { (BRIEF, BRIEF) } else { (PATIENCE, FAREWELL) };
    let close = Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }));
    // A disconnected client cannot read the code.
    let _gone = timeout(patience, socket.send(close)).await;
    let closed = async { while matches!(socket.recv().await, Some(Ok(_))) {} };
    // A client that does not close is left behind.
    let _elapsed = timeout(farewell, closed).await;
}
