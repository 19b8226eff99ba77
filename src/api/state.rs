//! The state that all handlers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRef;
use tokio_util::sync::CancellationToken;

use super::jobs::response_cache::ResponseCache;
use crate::audio::decode::DecodeLimits;
use crate::capabilities::EngineStatus;
use crate::http::json::BodyTimeout;
use crate::http::{Gate, Pace};
use crate::intake::Intake;
use crate::lifecycle::Lifecycle;

/// The parts that the handlers need, wired by the application.
pub struct Parts {
    /// Looks at jobs and changes them.
    pub lifecycle: Lifecycle,
    /// Makes jobs of recordings.
    pub intake: Intake,
    /// Keys, limits and the clock: what serving needs as well.
    pub gate: Gate,
    /// What the engine can do, and whether it is alive.
    pub engine: EngineStatus,
    /// Cancelled when the server closes: long polls and streams end now.
    pub closing: CancellationToken,
    /// Size of the largest recording that is accepted, in bytes.
    pub max_file_bytes: u64,
    /// Limits of length and channels.
    pub decode_limits: DecodeLimits,
    /// Timeouts of a request body.
    pub pace: Pace,
}

/// The shared parts, with the state of the interface itself.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    parts: Parts,
    started: Instant,
    /// Responses about jobs that have ended.
    response_cache: ResponseCache,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, started: Instant::now(), response_cache: ResponseCache::default() }))
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn response_cache(&self) -> &ResponseCache {
        &self.0.response_cache
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl FromRef<AppState> for BodyTimeout {
    /// A JSON body is small: all of it may take no longer than one pause of a larger body.
    fn from_ref(state: &AppState) -> Self {
        Self(state.pace.idle_timeout)
    }
}
