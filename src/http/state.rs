//! The state that all handlers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body_timeout::Pace;
use super::response_cache::ResponseCache;
use crate::access::Access;
use crate::access::limits::Limits;
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::decode::DecodeLimits;
use crate::capabilities::EngineStatus;
use crate::clock::Clock;
use crate::intake::Intake;
use crate::lifecycle::Lifecycle;
use crate::messages::Language;

/// The parts that the handlers need, wired by the application.
pub struct Parts {
    /// Looks at jobs and changes them.
    pub lifecycle: Lifecycle,
    /// Makes jobs of recordings.
    pub intake: Intake,
    pub clock: Clock,
    /// What the engine can do, and whether it is alive.
    pub engine: EngineStatus,
    /// Cancelled when no more recordings are accepted; everything else is still answered.
    pub stopping: CancellationToken,
    /// Cancelled when the server closes: long polls and streams end now.
    pub closing: CancellationToken,
    /// The keys and what they allow.
    pub access: Access,
    /// Rate limits of each client.
    pub limits: Limits,
    /// Proxies whose forwarding headers are believed.
    pub proxies: TrustedProxies,
    /// Origins of web pages that may use the interface.
    pub origins: Origins,
    /// Tracks WebSocket sessions, so that the process can wait for them.
    pub tasks: TaskTracker,
    /// Size of the largest recording that is accepted.
    pub max_file_bytes: u64,
    /// Limits of length and channels.
    pub decode_limits: DecodeLimits,
    /// Timeouts of a request body.
    pub pace: Pace,
    /// Language of messages to a client that names none.
    pub language: Language,
}

/// The shared parts, with the state of the interface itself.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub(super) struct Inner {
    pub(super) parts: Parts,
    pub(super) started: Instant,
    /// Responses about jobs that have ended.
    pub(super) response_cache: ResponseCache,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, started: Instant::now(), response_cache: ResponseCache::default() }))
    }

    pub(super) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(super) fn response_cache(&self) -> &ResponseCache {
        &self.0.response_cache
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
