//! What an application brings to a session: the topics that can be subscribed to, and what binary frames are for.

use std::future::Future;
use std::hash::Hash;

use tokio::time::Instant;

use super::answer::Reply;
use crate::http::error::ApiError;

/// The state behind a session's commands.
pub(crate) trait Application: Clone + Send + Sync + 'static {
    /// Names a stream of messages that a client can subscribe to.
    type Topic: Copy + Eq + Hash + Send + Unpin;
    type Upload: Upload<Self>;
}

/// Takes the binary frames that follow a command.
pub(crate) trait Upload<A>: Send + 'static {
    /// The time by which the next frame must arrive.
    fn overdue(&self) -> Instant;

    /// Takes a frame. The reply, if any, is sent at once.
    fn receive(&mut self, app: &A, bytes: &[u8]) -> impl Future<Output = Result<Option<Reply>, ApiError>> + Send;
}
