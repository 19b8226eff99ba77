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
use super::visitor::Visitor;
use crate::access::Scope;
use session::Session;
use socket::{MAX_MESSAGE_BYTES, Socket};

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
            let mut session = Session::new(Client::new(app, gate, requester, visitor), commands, socket);
            let (code, reason) = session.run(begin).await.unwrap_or_else(|close| close);
            say_goodbye(session.into_socket(), code, reason).await;
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

/// Closes with a code, and waits a moment for the client's half of the closing handshake, so that it sees the code and not a
/// broken connection.
async fn say_goodbye(mut socket: Socket, code: u16, reason: &'static str) {
    let close = Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }));
    // A disconnected client cannot read the code.
    let _gone = socket.send(close).await;
    let closed = async { while matches!(socket.recv().await, Some(Ok(_))) {} };
    // A client that does not close is left behind.
    let _elapsed = timeout(FAREWELL, closed).await;
}
