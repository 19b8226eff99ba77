//! The parts of a session that the application defines: its topics, and the handling of binary frames.

use std::future::Future;
use std::hash::Hash;

use tokio::time::Instant;

use super::answer::Reply;
use crate::http::error::ApiError;

/// The state behind a session's commands.
pub(crate) trait Application: Clone + Send + Sync + 'static {
    /// Identifies a stream of messages that a client can subscribe to.
    type Topic: Copy + Eq + Hash + Send + Unpin;
    type Upload: Upload<Self>;
    /// What topics are called in messages to developers, in the plural.
    const TOPICS: &str;
    /// The command that starts an upload.
    const UPLOAD_COMMAND: &str;
}

/// Receives the binary frames that follow a command.
pub(crate) trait Upload<A>: Send + 'static {
    /// The time by which the next frame must arrive.
    fn overdue(&self) -> Instant;

    /// Receives a frame. The reply, if any, is sent immediately.
    fn receive(&mut self, app: &A, bytes: &[u8]) -> impl Future<Output = Result<Option<Reply>, ApiError>> + Send;
}
