//! The running job: started, claimed in the store, and reported on.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::{ClaimError, Lifecycle, StoreError, transition};
use crate::checkpoints::Checkpoints;
use crate::context::ProgressSink;
use crate::jobs::{Job, JobId};
use crate::scratch::Scratch;
use crate::stop::StopSignal;

/// The job that runs, as it was when it was started. Only the holder of this token ends the run.
#[derive(Debug)]
pub struct Running {
    job: Arc<Job>,
    stop: StopSignal,
}

impl Running {
    pub fn id(&self) -> JobId {
        self.job.id
    }

    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The same, to be shared.
    pub fn shared(&self) -> &Arc<Job> {
        &self.job
    }

    /// Raised when a client, a limit or the end of the process stops the run.
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }
}

impl Lifecycle {
    /// Whether the store has room to process a job.
    pub async fn can_work(&self) -> bool {
        self.step(|inner| Ok::<_, StoreError>(inner.volume.can_work())).await.unwrap_or(true)
    }

    /// Takes the next job out of the queue and marks it as running; at most one runs.
    pub fn start_next(&self) -> Option<Running> {
        let (job, stop) = self.0.registry.start_next()?;
        Some(Running { job, stop })
    }

    /// Claims the running job in the store.
    ///
    /// # Errors
    /// When the recording is missing or the store refuses the change; the job then has to be failed or put back.
    pub async fn claim(&self, running: &Running) -> Result<(), ClaimError> {
        let record = transition::claimed(&running.job);
        let claimed = self.step(move |inner| Ok::<_, StoreError>(inner.volume.claim(&record)?)).await;
        claimed.map_err(|error| {
            error!(event = "claim_failed", cause = %error, "A recording could not be claimed");
            match error {
                StoreError::Missing(_) => ClaimError::RecordingGone(error),
                StoreError::Full(_) | StoreError::Busy(_) | StoreError::Failed(_) => ClaimError::Store(error),
            }
        })
    }

    /// Receives the progress of the running job.
    pub fn progress_sink(&self, running: &Running) -> ProgressSink {
        let (registry, id) = (self.0.registry.clone(), running.id());
        Arc::new(move |stage, percent| registry.report(id, stage, percent))
    }

    /// Scratch space on disk for the running job.
    pub fn scratch(&self) -> Scratch {
        self.0.volume.scratch()
    }

    /// The checkpoints of the running job that were made under this fingerprint, and the place for new ones.
    pub async fn checkpoints(&self, running: &Running, fingerprint: String) -> Checkpoints {
        let id = running.id();
        let opened = self.step(move |inner| Ok::<_, StoreError>(inner.volume.open_checkpoints(id, &fingerprint)?)).await;
        match opened {
            Ok((file, found)) => {
                let checkpoints = Checkpoints::new(found, Box::new(move |piece| file.append(piece)));
                if checkpoints.waiting() > 0 {
                    info!(event = "job_resumed", checkpoints = checkpoints.waiting(), "Resuming from checkpoints");
                }
                checkpoints
            }
            Err(error) => {
                warn!(event = "checkpoints_unusable", cause = %error, "A job's checkpoints cannot be used; it starts anew");
                Checkpoints::none()
            }
        }
    }

    /// Postpones a job that there was no room to process. Returns whether another job waits.
    pub fn postpone(&self, id: JobId) -> bool {
        self.0.registry.postpone(id)
    }
}
