//! What the handlers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
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

pub(super) struct Inner {
    pub(super) parts: Parts,
    pub(super) started: Instant,
    /// Bounds how many uploaded files are examined at once: each takes a thread.
    pub(super) probes: Semaphore,
    /// What was answered about jobs that have ended.
    pub(super) response_cache: ResponseCache,
}

impl AppState {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            started: Instant::now(),
            probes: Semaphore::new(4),
            response_cache: ResponseCache::default(),
        }))
    }

    pub(super) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(super) fn response_cache(&self) -> &ResponseCache {
        &self.0.response_cache
    }

    pub(super) fn probes(&self) -> &Semaphore {
        &self.0.probes
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
