//! The times that each phase of a connection may take.

use std::time::Duration;

/// How long a connection may take over each phase.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimeouts {
    /// For the head of a request: from the connection, or from its first byte on.
    pub header_timeout: Duration,
    /// Between an answer and the next request.
    pub keep_alive: Duration,
    /// For a client to read what was sent.
    pub write_timeout: Duration,
}
