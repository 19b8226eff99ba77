//! Queueing a failed or cancelled job again, with its stored recording.

use std::sync::Arc;

use tracing::info;

use super::registry::Retry;
use super::{Lifecycle, RetryError, transition};
use crate::jobs::{Job, JobId};

impl Lifecycle {
    /// Queues a failed or cancelled job again. A job that waits or runs stays as it is: the request may be repeated because its
    /// first answer was lost.
    ///
    /// # Errors
    /// When the job does not exist, has a result or no recording, the queue is full, or the store refuses the change.
    pub async fn retry(&self, id: JobId) -> Result<Arc<Job>, RetryError> {
        let guard = self.0.locks.hold(id).await;
        let job = match self.0.registry.retry(id).ok_or(RetryError::NotFound)? {
            Retry::Possible(job) => job,
            Retry::Pending(job) => return Ok(job),
            Retry::Finished(job) => return Err(RetryError::Finished(job)),
        };
        let reservation = self.reserve(self.0.registry.client_of(id).as_ref())?;
        self.step(move |inner| {
            let _held = guard;
            let retried = transition::retried(&job, inner.registry.next_sequence());
            inner.volume.retry(&retried).map_err(|error| RetryError::from(super::StoreError::from(error)))?;
            let job = inner.registry.resubmit(reservation, retried).ok_or(RetryError::NotFound)?;
            info!(event = "job_retried", job_id = %id, "Queued a job again");
            Ok(job)
        })
        .await
    }
}
