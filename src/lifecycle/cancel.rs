//! Cancelling a job that waits or runs. The recording is kept, so that the job can be tried again.

use std::sync::Arc;

use tracing::info;

use super::registry::{Cancellation, Settled, Timing};
use super::{CancelError, Lifecycle, StoreError, transition};
use crate::jobs::{Job, JobId};

/// A cancellation that was accepted.
#[derive(Debug)]
pub enum Cancelled {
    /// The job has ended.
    Done(Arc<Job>),
    /// The job runs; its stop signal was raised, and the cancellation is recorded, so that it survives a crash.
    Stopping(Arc<Job>),
}

impl Lifecycle {
    /// Cancels a job that waits or runs; a job that was cancelled before stays so.
    ///
    /// # Errors
    /// When the job does not exist, has ended in another way, or the store refuses the change: a waiting job then goes on
    /// waiting, and a running one is stopped without a record of its cancellation.
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled, CancelError> {
        let guard = self.0.locks.hold(id).await;
        match self.0.registry.cancel(id).ok_or(CancelError::NotFound)? {
            Cancellation::AlreadyCancelled(job) => Ok(Cancelled::Done(job)),
            Cancellation::Finished(job) => Err(CancelError::Finished(job)),
            Cancellation::Stopping(job) => {
                let noted = transition::cancelled(&job, self.0.clock.now());
                self.step(move |inner| {
                    let _held = guard;
                    inner.volume.note_cancellation(&noted).map_err(StoreError::from)?;
                    // The run may have ended before this was written.
                    if inner.registry.find(id).is_none_or(|job| job.state.is_terminal()) {
                        inner.volume.forget_cancellation(id).map_err(StoreError::from)?;
                    }
                    Ok(Cancelled::Stopping(job))
                })
                .await
            }
            Cancellation::Withdrawn(waiting) => {
                self.step(move |inner| {
                    let _held = guard;
                    let cancelled = transition::cancelled(&waiting, inner.clock.now());
                    let set_aside = inner.volume.reject(&cancelled).map_err(StoreError::from);
                    set_aside.inspect_err(|_| inner.registry.readmit(&waiting))?;
                    let settled = inner.registry.finish(cancelled, Timing::Ignored);
                    debug_assert_eq!(settled, Settled::Recorded, "only a running job is deleted by its stop signal");
                    info!(event = "job_cancelled", job_id = %id, "Cancelled a job that waited");
                    inner.registry.find(id).map(Cancelled::Done).ok_or(CancelError::NotFound)
                })
                .await
            }
        }
    }
}
