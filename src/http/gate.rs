//! The state that serving needs, independent of the served resources.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::ApiError;
use crate::access::Access;
use crate::access::hosts::Hosts;
use crate::access::limits::{Exceeded, Limits};
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::clock::Clock;
use crate::messages::Language;

/// Access, limits, origins, clock and language of the server. Clones share one value.
#[derive(Clone)]
pub struct Gate(Arc<GateParts>);

/// The parts of a [`Gate`].
pub struct GateParts {
    /// The keys of the server, and what each allows.
    pub access: Access,
    /// The request budgets of each client.
    pub limits: Limits,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub proxies: TrustedProxies,
    /// The names that the server answers under.
    pub hosts: Hosts,
    /// The web pages that may change something or open a WebSocket.
    pub origins: Origins,
    /// The time in answers and logs.
    pub clock: Clock,
    /// The language for clients without `Accept-Language`.
    pub language: Language,
    /// Cancelled when the server stops taking recordings: WebSocket sessions then close with 1012.
    pub stopping: CancellationToken,
    /// Keeps the process alive until every WebSocket session has sent its close frame.
    pub tasks: TaskTracker,
}

impl Gate {
    pub fn new(parts: GateParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Gate {
    type Target = GateParts;
    fn deref(&self) -> &GateParts {
        &self.0
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        // Rounded up, so that a client that waits this long is admitted.
        let retry_after_seconds = exceeded.retry_after.as_secs() + 1;
        Self::RateLimited { limit: exceeded.quota.limit.into(), retry_after_seconds }
    }
}
