//! The limits of connections: the timeouts of their phases, and their number.

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

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCounts {
    pub max: usize,
    /// Those of one address on which a request is being answered or a WebSocket is open.
    pub max_per_client: usize,
}

/// The part of all connections that requests and WebSockets leave for new ones: one in 16, at least one.
const RESERVE: usize = 16;

impl ConnectionCounts {
    /// How many connections may be busy at once. The others are there for newcomers, and for `/health`.
    pub(super) const fn max_busy(self) -> usize {
        let reserve = self.max / RESERVE;
        let busy = self.max.saturating_sub(if reserve == 0 { 1 } else { reserve });
        if busy == 0 { 1 } else { busy }
    }
}
