//! Identifies the caller of a session: from the upgrade, or from the first message, since browsers cannot send headers.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::answer::{Authenticated, Reply, request_id};
use super::close::{Close, UNAUTHORIZED};
use super::socket::Socket;
use crate::access::Caller;
use crate::http::gate::Gate;
use crate::http::json;
use crate::http::visitor::Visitor;

/// How long a client may take to send its key, so that no connection stays open without one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Size of the largest first message, in bytes: a key is a fraction of it, and a client without one gets no more work done.
const MAX_FIRST_BYTES: usize = 4096;

/// Waits until the caller is known.
pub(super) async fn admit(socket: &mut Socket, gate: &Gate, visitor: &Visitor) -> Result<Caller, Close> {
    match visitor.caller.clone() {
        Some(caller) => Ok(caller),
        None => timeout(PATIENCE, first_message(socket, gate)).await.map_err(|_| (UNAUTHORIZED, "no key was shown in time"))?,
    }
}

async fn first_message(socket: &mut Socket, gate: &Gate) -> Result<Caller, Close> {
    let refused = (UNAUTHORIZED, "the first message must authenticate with a valid key");
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) if text.len() <= MAX_FIRST_BYTES => {
                let message: Value = json::parse(text.as_bytes()).map_err(|_| refused)?;
                let authenticates = message.get("type").and_then(Value::as_str) == Some("authenticate");
                let key = message.get("key").and_then(Value::as_str).filter(|_| authenticates).ok_or(refused)?;
                let caller = gate.access.authenticate(key).ok_or(refused)?;
                let request_id = request_id(&message).map_err(|_| refused)?;
                let text = Reply::new(&Authenticated::new(&caller)).framed(request_id, gate.clock.now());
                // A disconnected client is noticed in the next step.
                let _gone = socket.send_text(text).await;
                return Ok(caller);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return Err(refused),
        }
    }
}
