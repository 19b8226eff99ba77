//! The WebSocket of a session: messages in both directions, within the limits of a session.
//!
//! A large text is sent in fragments, each made when the client has taken the one before: a client that does not read holds one
//! fragment and not the text.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use tracing::warn;

use super::close::{self, Close, GOODBYE};
use crate::http::outgoing::{Outgoing, Pieces};

/// The largest message from a client, in bytes; the connection is closed with 1009 beyond it.
pub(super) const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The greatest number of bytes that are read of one message. More than the limit, so that a message slightly over it is read
/// to its end and the client sees the close code: a connection that is closed with unread bytes is reset.
const MAX_READ_BYTES: usize = 2 * MAX_MESSAGE_BYTES;
/// Size of a connection's read buffer, in bytes: with the library's default of 128 KiB, every idle connection would hold that.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How long a client may leave a message, or a fragment of a large one, unread.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    pub(super) async fn new(connection: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_READ_BYTES))
            .max_frame_size(Some(MAX_READ_BYTES));
        Self(WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, Some(config)).await)
    }

    /// The next message; `None` once the connection has ended.
    pub(super) async fn recv(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        self.0.next().await
    }

    /// Sends a message. A client that does not read it in time is dropped, so that it cannot make the server hold memory.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Close> {
        match timeout(PATIENCE, self.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(GOODBYE),
            Err(_) => Err((close::SLOW, "the client does not read")),
        }
    }

    pub(super) async fn send_text(&mut self, text: Outgoing) -> Result<(), Close> {
        match text.split() {
            Ok(whole) => self.send(Message::text(whole)).await,
            Err(pieces) => self.send_pieces(pieces).await,
        }
    }

    /// Sends the pieces as fragments of one message (RFC 6455, section 5.4).
    async fn send_pieces(&mut self, mut pieces: Pieces) -> Result<(), Close> {
        let mut kind = Data::Text;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                warn!(event = "answer_broken_off", cause = %error, "An answer could not be read to its end");
                (close::FAILED, "the answer could not be read")
            })?;
            self.send(Message::Frame(Frame::message(piece, OpCode::Data(kind), false))).await?;
            kind = Data::Continue;
        }
        self.send(Message::Frame(Frame::message(Bytes::new(), OpCode::Data(kind), true))).await
    }
}
