//! Who is at the other end: known from the upgrade, or from the first message, since browsers cannot send headers.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::Value;
use tokio::time::timeout;

use super::answer::{Answer, Framed};
use super::session::End;
use crate::access::{Caller, Scope};
use crate::http::guard::Visitor;
use crate::http::state::AppState;

/// How long a client may take to show its key. Bounded, so that nobody holds connections without one.
const PATIENCE: Duration = Duration::from_secs(10);
/// The key is missing, wrong or revoked.
pub(super) const CLOSE_UNAUTHORIZED: u16 = 4401;
/// The key lacks a scope.
pub(super) const CLOSE_FORBIDDEN: u16 = 4403;

/// Waits until it is known who asks.
pub(super) async fn admit(socket: &mut WebSocket, state: &AppState, visitor: &Visitor) -> Result<Caller, End> {
    match visitor.caller.clone() {
        Some(caller) => Ok(caller),
        None => {
            timeout(PATIENCE, first_message(socket, state)).await.map_err(|_| (CLOSE_UNAUTHORIZED, "no key was shown in time"))?
        }
    }
}

async fn first_message(socket: &mut WebSocket, state: &AppState) -> Result<Caller, End> {
    let refused = (CLOSE_UNAUTHORIZED, "the first message must authenticate with a valid key");
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(text.as_str()).map_err(|_| refused)?;
                let authenticates = message.get("type").and_then(Value::as_str) == Some("authenticate");
                let key = message.get("key").and_then(Value::as_str).filter(|_| authenticates).ok_or(refused)?;
                let caller = state.access.authenticate(key).ok_or(refused)?;
                let request_id = message.get("request_id").filter(|id| id.is_string() || id.is_number());
                let answer = welcome(&caller);
                let framed = Framed { answer: &answer, request_id, timestamp: state.clock.now() };
                let text = serde_json::to_string(&framed).expect("names and texts are always JSON");
                // A client that is gone is noticed at the next step.
                let _gone = socket.send(Message::Text(text.into())).await;
                return Ok(caller);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return Err(refused),
        }
    }
}

/// The answer to a valid key.
pub(super) fn welcome(caller: &Caller) -> Answer {
    Answer::Authenticated { scopes: Scope::all().filter(|scope| caller.may(*scope)).map(Scope::name).collect() }
}
