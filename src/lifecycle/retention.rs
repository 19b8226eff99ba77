//! What retention does to jobs that have ended: it removes recordings, archives jobs, and forgets archived ones.

use std::sync::Arc;

use tracing::info;

use super::{Inner, Lifecycle, StoreError, transition};
use crate::jobs::Job;
use crate::jobs::retention::Kept;

/// The outcome of applying retention to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    Done,
    /// The job has changed since it was examined, so nothing was removed.
    Changed,
}

impl Lifecycle {
    /// Removes the remains of interrupted deletions from the store.
    ///
    /// # Errors
    /// When the store cannot be read, or the removal fails.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.step(|inner| Ok(inner.volume.sweep_deleted()?)).await
    }

    /// Measures the files of ended jobs in the store; a job whose files cannot be examined is left out.
    pub async fn measure(&self, jobs: Vec<Arc<Job>>) -> Vec<Kept> {
        let measured = self.step(move |inner| {
            let measured = jobs.into_iter().filter_map(|job| {
                let footprint = inner.volume.footprint(&job).ok()?;
                Some(Kept { job, recording_bytes: footprint.recording, result_bytes: footprint.result })
            });
            Ok::<_, StoreError>(measured.collect())
        });
        measured.await.unwrap_or_default()
    }

    /// Removes the recording of an ended job, unless the job has changed; everything else of it stays.
    ///
    /// # Errors
    /// When the store fails to remove it.
    pub async fn remove_recording(&self, job: &Arc<Job>) -> Result<Upkeep, StoreError> {
        self.upkeep(job, |inner, job| {
            inner.volume.remove_recording(job)?;
            info!(event = "recording_removed", job_id = %job.id, "Removed a recording, by retention");
            Ok(Upkeep::Done)
        })
        .await
    }

    /// Archives an ended job, unless it has changed: its record is kept, its recording and its result are removed.
    ///
    /// # Errors
    /// When the store refuses it; some of the files may have been removed.
    pub async fn archive(&self, job: &Arc<Job>) -> Result<Upkeep, StoreError> {
        self.upkeep(job, |inner, job| {
            let Some(archived) = transition::archived(job, inner.clock.now()) else { return Ok(Upkeep::Changed) };
            inner.volume.archive(job, &archived)?;
            inner.registry.archive(archived);
            info!(event = "job_archived", job_id = %job.id, "Archived a job, by retention");
            Ok(Upkeep::Done)
        })
        .await
    }

    /// Removes the record of an archived job, unless it has changed.
    ///
    /// # Errors
    /// When the store fails to remove it.
    pub async fn forget(&self, job: &Arc<Job>) -> Result<Upkeep, StoreError> {
        self.upkeep(job, |inner, job| {
            inner.volume.remove(job.id, &job.state)?;
            inner.registry.forget_archived(job.id);
            info!(event = "job_forgotten", job_id = %job.id, "Removed the record of an archived job, by retention");
            Ok(Upkeep::Done)
        })
        .await
    }

    /// Changes an ended job under its lock, if it has not changed since it was examined.
    async fn upkeep(
        &self,
        job: &Arc<Job>,
        change: impl FnOnce(&Inner, &Job) -> Result<Upkeep, StoreError> + Send + 'static,
    ) -> Result<Upkeep, StoreError> {
        let guard = self.0.locks.hold(job.id).await;
        let job = Arc::clone(job);
        self.step(move |inner| {
            let _held = guard;
            let is_unchanged = inner.registry.find(job.id).is_some_and(|now| Arc::ptr_eq(&now, &job));
            if is_unchanged { change(inner, &job) } else { Ok(Upkeep::Changed) }
        })
        .await
    }
}
