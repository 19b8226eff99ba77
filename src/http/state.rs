//! What the handlers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRef;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jobs::response_cache::ResponseCache;
use crate::access::Access;
use crate::access::limits::Limits;
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::decode::DecodeLimits;
use crate::clock::Clock;
use crate::engine::EngineStatus;
use crate::http::json::BodyTimeout;
use crate::http::{Gate, Pace};
use crate::jobs::job_locks::JobLocks;
use crate::jobs::registry::Registry;
use crate::messages::Language;
use crate::volume::Volume;

/// The parts that the handlers need, as the application hands them over.
pub struct Parts {
    /// All jobs.
    pub registry: Registry,
    /// All files.
    pub volume: Volume,
    /// The time.
    pub clock: Clock,
    /// What the engine can do.
    pub engine: EngineStatus,
    /// Raised when no more recordings are taken; everything else is still answered.
    pub stopping: CancellationToken,
    /// Raised when the server closes: what lasts, such as a long poll, ends now.
    pub closing: CancellationToken,
    /// Who is who.
    pub access: Access,
    /// How much one client may ask.
    pub limits: Limits,
    /// Whose word about a client's address is taken.
    pub proxies: TrustedProxies,
    /// Which web pages may use the interface.
    pub origins: Origins,
    /// Lets the changes of one job follow each other.
    pub job_locks: Arc<JobLocks>,
    /// Holds the process until what was begun for a client is done.
    pub tasks: TaskTracker,
    /// Largest recording, in bytes.
    pub max_file_bytes: u64,
    /// What a recording may be.
    pub decode_limits: DecodeLimits,
    /// How a body has to come.
    pub pace: Pace,
    /// What is spoken to a client that does not say.
    pub language: Language,
}

/// The parts, shared, and what the interface adds.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    gate: Arc<Gate>,
    pub(crate) started: Instant,
    /// Bounds how many uploaded files are examined at once: each takes a thread.
    pub(crate) probes: Semaphore,
    /// What was answered about jobs that have ended.
    pub(crate) response_cache: ResponseCache,
}

impl AppState {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        let gate = Gate {
            access: parts.access.clone(),
            limits: parts.limits.clone(),
            proxies: parts.proxies.clone(),
            origins: parts.origins.clone(),
            clock: parts.clock.clone(),
            language: parts.language,
            stopping: parts.stopping.clone(),
            tasks: parts.tasks.clone(),
        };
        Self(Arc::new(Inner {
            parts,
            gate: Arc::new(gate),
            started: Instant::now(),
            probes: Semaphore::new(4),
            response_cache: ResponseCache::default(),
        }))
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn response_cache(&self) -> &ResponseCache {
        &self.0.response_cache
    }

    pub(crate) fn probes(&self) -> &Semaphore {
        &self.0.probes
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
