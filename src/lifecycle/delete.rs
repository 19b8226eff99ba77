//! Deleting a job with every trace of it.

use std::time::Duration;

use super::registry::Removal;
use super::{DeleteError, Lifecycle, StoreError};
use crate::jobs::JobId;

/// How long a deletion waits for a running job to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

impl Lifecycle {
    /// Removes a job with its recording, result and record; one that runs is stopped first.
    ///
    /// # Errors
    /// When the job does not exist, its files cannot be removed, or it does not stop in time.
    pub async fn delete(&self, id: JobId) -> Result<(), DeleteError> {
        let guard = self.0.locks.hold(id).await;
        match self.0.registry.remove(id).ok_or(DeleteError::NotFound)? {
            Removal::Removed(job) => {
                self.step(move |inner| {
                    let _held = guard;
                    let removed = inner.volume.remove(id, &job.state);
                    Ok(removed.map_err(StoreError::from).inspect_err(|_| {
                        // Its files are still there, so it stays registered.
                        inner.registry.restore((*job).clone());
                    })?)
                })
                .await
            }
            Removal::Stopping(mut watch) => {
                drop(guard);
                let gone = async {
                    while watch.changed().await.is_ok() {
                        if watch.borrow_and_update().state.is_terminal() {
                            return Err(DeleteError::FilesKept);
                        }
                    }
                    Ok(())
                };
                tokio::time::timeout(STOP_DEADLINE, gone).await.map_err(|_| DeleteError::StillRunning)?
            }
        }
    }
}
