//! What retention does to jobs that have ended: it removes recordings, archives jobs, and forgets archived ones.

use std::sync::Arc;

use tracing::info;

use super::{Inner, Lifecycle, StoreError, transition};
use crate::jobs::Job;
use crate::jobs::retention::Kept;

/// What became of a job that something was to be removed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    Done,
    /// The job has changed since it was looked at and was left alone.
    Changed,
}

impl Lifecycle {
    /// Removes what interrupted deletions left in the store.
    ///
    /// # Errors
    /// When the store cannot be read, or does not remove it.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.step(|inner| Ok(inner.volume.sweep_deleted()?)).await
    }

    /// Measures what ended jobs have in the store; a job that cannot be looked at is left out.
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
    /// When the store does not remove it.
    pub async fn remove_recording(&self, job: &Arc<Job>) -> Result<Upkeep, StoreError> {
        self.upkeep(job, |inner, job| {
            inner.volume.remove_recording(job)?;
            info!(event = "recording_removed", job_id = %job.id, "Removed a recording, by retention");
            Ok(Upkeep::Done)
        })
        .await
    }

    /// Archives an ended job, unless it has changed: its record stays, its recording and its result go.
    ///
    /// # Errors
    /// When the store does not take it; part of the files may be gone.
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
    /// When the store does not remove it.
    pub async fn forget(&self, job: &Arc<Job>) -> Result<Upkeep, StoreError> {
        self.upkeep(job, |inner, job| {
            inner.volume.remove(job.id, &job.state)?;
            inner.registry.forget_archived(job.id);
            info!(event = "job_forgotten", job_id = %job.id, "Removed the record of an archived job, by retention");
            Ok(Upkeep::Done)
        })
        .await
    }

    /// Changes an ended job under its lock, if it still is the one that was looked at.
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
