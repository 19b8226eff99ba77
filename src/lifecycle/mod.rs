//! The life of a job: the one owner of every change.
//!
//! A [`Lifecycle`] holds the registry, the store and the locks, and has one function for each transition. A change is made in
//! the store first and in the registry after, under the job's lock, so that an answered change is on the disk and no other
//! change finds a job between the two. Once started, a change is completed even if its caller is dropped: both halves run in
//! one step on a blocking thread.
//!
//! No other module changes a job, numbers its events ([`transition`] does) or holds both registry and store. Others
//! look at jobs through [`Lifecycle::jobs`]. Nothing here knows HTTP, folders that are watched, or models; callers get typed
//! outcomes and [`StoreError`], so that a store other than the volume's folders could stand behind the same functions.

mod accept;
mod cancel;
mod delete;
mod error;
mod event_log;
mod finish;
mod job_locks;
mod read;
mod recover;
mod registry;
mod retention;
mod retry;
mod run;
mod transition;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

pub use accept::{AcceptError, Accepted, KeyReused, NewJob, Recording};
pub use cancel::Cancelled;
pub use error::{CancelError, ClaimError, DeleteError, RetryError, StoreError};
pub use finish::{Ending, Finished, PutBack};
pub use read::{Content, Storage};
pub use registry::{Filter, ListPosition, Order, Page, QueueFull, QueueLimits, QueuedJob, Registry, Reservation, Seat, Watched};
pub use retention::Upkeep;
pub use run::Running;

pub use crate::volume::{Arriving, Writable};

use crate::access::limits::Client;
use crate::clock::Clock;
use crate::jobs::estimate::Equipment;
use crate::stop::StopReason;
use crate::volume::Volume;
use job_locks::JobLocks;

/// The handle; clones share everything.
#[derive(Clone)]
pub struct Lifecycle(Arc<Inner>);

struct Inner {
    registry: Registry,
    volume: Volume,
    locks: JobLocks,
    clock: Clock,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// The jobs of an open volume, none of which is known yet ([`Lifecycle::recover`]). Steps in progress are tracked by
    /// `tasks`, so that the process can wait for them.
    pub fn new(volume: Volume, limits: QueueLimits, clock: Clock, tasks: TaskTracker) -> Self {
        let registry = Registry::new(limits, clock.clone());
        Self(Arc::new(Inner { registry, volume, locks: JobLocks::default(), clock, tasks }))
    }

    /// Read access to all jobs.
    pub fn jobs(&self) -> &Registry {
        &self.0.registry
    }

    /// Sets the equipment for estimates; times measured with the same equipment before this start remain valid.
    pub fn set_equipment(&self, equipment: Equipment) {
        self.0.registry.set_equipment(equipment, self.0.volume.read_speed());
    }

    /// Pauses the queue while no files can be written to the store, or resumes it; returns whether that changed its state.
    pub fn set_paused(&self, paused: bool) -> bool {
        self.0.registry.set_paused(paused)
    }

    /// Waits until a job was queued, or until the time is over.
    pub async fn wait_for_work(&self, at_most: Duration) {
        self.0.registry.wait_for_work(at_most).await;
    }

    /// Raises the stop signal of the running job.
    pub fn stop_running(&self, reason: StopReason) {
        self.0.registry.stop_running(reason);
    }

    /// Reserves a place in the queue for a recording that is still arriving.
    ///
    /// # Errors
    /// When the queue is full, or the client has its share of it.
    pub fn reserve(&self, client: Option<&Client>) -> Result<Reservation, QueueFull> {
        self.0.registry.reserve(client)
    }

    /// Runs a step on a blocking thread, within the current span. The step is completed even if its caller is dropped.
    async fn step<T, E>(&self, step: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (inner, span) = (Arc::clone(&self.0), tracing::Span::current());
        let stepped = self.0.tasks.spawn_blocking(move || span.in_scope(|| step(&inner))).await;
        stepped.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()).into()))
    }
}
