//! The timeouts of the phases of a connection.

use std::time::Duration;

/// The timeout of each phase of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimeouts {
    /// For the head of a request: from the start of the connection, or from the head's first byte.
    pub header_timeout: Duration,
    /// Between an answer and the next request.
    pub keep_alive: Duration,
    /// For a client to read what was sent.
    pub write_timeout: Duration,
}
