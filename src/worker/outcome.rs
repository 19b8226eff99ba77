//! What becomes of a job whose run has ended: published, set aside, put back or removed, on the volume first.

use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::{error, info, warn};

use super::Worker;
use crate::checkpoints::Checkpoints;
use crate::document::{Document, ResultFile, ResultStatus};
use crate::jobs::registry::{Outcome, Requeued, Settled};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode, Job, JobId, JobState};
use crate::pipeline::PipelineError;
use crate::stop::StopReason;
use crate::volume::Volume;

impl Worker {
    /// A recording that is gone is a failure; anything else is the volume's trouble, and the job waits until it is over.
    pub(super) async fn not_claimed(&self, running: Job, error: &io::Error) {
        error!(event = "claim_failed", cause = %error, "A recording could not be claimed");
        if error.kind() == io::ErrorKind::NotFound {
            let failure = Failure {
                code: FailureCode::InternalError,
                message: "The recording is not in incoming/ any more".to_owned(),
                stage: None,
            };
            if self.registry.finish(running.id, self.clock.now(), Outcome::Failed(failure)) == Settled::DeletedMeanwhile {
                self.delete(running.id, &JobState::Queued).await;
            }
            return;
        }
        match self.registry.requeue(running.id) {
            Requeued::Waiting => self.pause().await,
            Requeued::DeletedMeanwhile => self.delete(running.id, &JobState::Queued).await,
            Requeued::CancelledMeanwhile => self.cancel(running).await,
        }
    }

    /// Sets aside what a client did not want any more.
    pub(super) async fn cancel(&self, running: Job) {
        let finished_at = self.clock.now();
        let now = self.present(&running);
        let state =
            JobState::Cancelled { started_at: Some(started_at(&now, finished_at)), finished_at, progress: now.state.progress() };
        let job = Job { state, ..now };
        if self.insist(&job, Volume::reject).await && self.settle(&job, Outcome::Cancelled).await {
            info!(event = "job_cancelled", "Cancelled a running job");
        }
    }

    /// The running job as it stands now, with room for the numbers of the two events that tell of its end.
    fn present(&self, running: &Job) -> Job {
        let now = self.registry.find(running.id).map_or_else(|| running.clone(), |job| (*job).clone());
        Job { last_event: now.last_event + 2, ..now }
    }

    pub(super) async fn publish(&self, running: Job, document: Document, checkpoints: &Checkpoints) {
        let finished_at = self.clock.now();
        let started_at = started_at(&running, finished_at);
        let job = Job { state: JobState::Completed { started_at, finished_at }, ..self.present(&running) };
        let file = ResultFile {
            job_id: job.id.into(),
            status: ResultStatus::Completed,
            completed_at: finished_at,
            processing_time: (finished_at - started_at).num_milliseconds().max(0) as f64 / 1000.0,
            result: document,
        };
        let bytes = serde_json::to_vec(&file).expect("the document has string keys and finite numbers, so it is always JSON");
        let speakers = file.result.metadata.speaker_count;
        let seconds = file.processing_time;
        let bytes = Arc::new(bytes);
        let names = self.name_results;
        let written = self.insist(&job, move |volume, job| volume.publish(job, &bytes, names)).await;
        let (recalled, kept) = (checkpoints.recalled(), checkpoints.kept());
        // What took less time because it was done before says nothing of the speed.
        if written && self.settle(&job, Outcome::Completed { is_measure: recalled == 0 }).await {
            info!(event = "job_completed", seconds, speakers, recalled, kept, "Completed a job");
            let measured = self.registry.measured();
            if let Err(error) = self.on_volume(move |volume| volume.keep_speed(&measured)).await {
                warn!(event = "speed_not_kept", cause = %error, "How long the job took could not be written");
            }
        }
    }

    pub(super) async fn reject(&self, running: Job, failure: Failure) {
        let finished_at = self.clock.now();
        let started_at = Some(started_at(&running, finished_at));
        let state = JobState::Failed { started_at, finished_at, failure: failure.clone(), progress: None };
        let job = Job { state, ..self.present(&running) };
        warn!(event = "job_failed", code = failure.code.name(), stage = failure.stage.map(Stage::name), "A job failed");
        if self.insist(&job, Volume::reject).await {
            self.settle(&job, Outcome::Failed(failure)).await;
        }
    }

    pub(super) async fn put_back(&self, running: Job) {
        // An orderly stop is no failed attempt.
        let now = self.present(&running);
        let job =
            Job { state: JobState::Queued, attempts: running.attempts.saturating_sub(1), last_event: now.last_event - 1, ..now };
        let on_disk = job.clone();
        if let Err(error) = self.on_volume(move |volume| volume.put_back(&on_disk)).await {
            error!(event = "put_back_failed", cause = %error, "A running job could not be put back; the next start does it");
        }
        match self.registry.requeue(job.id) {
            Requeued::Waiting => info!(event = "job_put_back", "Put a running job back into the queue"),
            Requeued::DeletedMeanwhile => self.delete(job.id, &job.state).await,
            Requeued::CancelledMeanwhile => self.cancel(job).await,
        }
    }

    /// Writes an ending to the volume, again and again until it is written: a full disk must not cost what was worked out.
    /// Whether it was written; when the server stops first, the job stays in `processing/` and the next start repeats it.
    async fn insist(&self, job: &Job, step: impl Fn(&Volume, &Job) -> io::Result<()> + Clone + Send + 'static) -> bool {
        loop {
            let (step, on_disk) = (step.clone(), job.clone());
            match self.on_volume(move |volume| step(volume, &on_disk)).await {
                Ok(()) => {
                    self.resume();
                    return true;
                }
                Err(error) => {
                    error!(event = "write_failed", cause = %error, "The end of a job could not be written; trying again");
                }
            }
            if self.stopping.is_cancelled() {
                return false;
            }
            if self.registry.is_unwanted(job.id) {
                // The volume may be full: what is not wanted any more must not wait until there is room.
                self.delete(job.id, &job.state).await;
                return false;
            }
            self.pause().await;
        }
    }

    /// Tells the registry how a job ended, unless it was deleted meanwhile: then it is removed.
    async fn settle(&self, job: &Job, outcome: Outcome) -> bool {
        match self.registry.finish(job.id, job.state.finished_at().unwrap_or_else(|| self.clock.now()), outcome) {
            Settled::Recorded => true,
            Settled::DeletedMeanwhile => {
                self.delete(job.id, &job.state).await;
                false
            }
        }
    }

    pub(super) async fn delete(&self, id: JobId, state: &JobState) {
        let state = state.clone();
        match self.on_volume(move |volume| volume.remove(id, &state)).await {
            Ok(()) => {
                self.registry.forget(id);
                info!(event = "job_deleted", "Deleted a running job");
            }
            Err(error) => {
                error!(event = "remove_failed", cause = %error, "A deleted job's files could not be removed");
                let failure = Failure {
                    code: FailureCode::InternalError,
                    message: "The job was to be deleted, but its files could not be removed".to_owned(),
                    stage: None,
                };
                self.registry.keep_undeletable(id, self.clock.now(), failure);
            }
        }
    }

    /// The volume takes files.
    pub(super) fn resume(&self) {
        if self.registry.set_paused(false) {
            info!(event = "queue_resumed", "The volume takes files again; the queue goes on");
        }
    }

    /// Lets the volume's trouble pass.
    pub(super) async fn pause(&self) {
        if self.registry.set_paused(true) {
            error!(event = "queue_paused", "The volume takes no files; the queue waits until it does");
        }
        tokio::select! {
            () = tokio::time::sleep(self.poll_interval) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// A job failure as clients read it. The full cause is in the log.
    pub(super) fn failure_of(&self, running: &Job, error: &PipelineError, reason: Option<StopReason>) -> Failure {
        let reached = match self.registry.find(running.id).as_deref().map(|job| &job.state) {
            Some(state) => state.progress().map(|progress| progress.stage),
            None => None,
        };
        let failure = |code, message: &str, stage| Failure { code, message: message.to_owned(), stage };
        match error {
            PipelineError::Stopped if reason == Some(StopReason::TimedOut) => failure(
                FailureCode::Timeout,
                "The job took longer than queue.task_timeout and queue.task_timeout_factor allow",
                reached,
            ),
            PipelineError::Stopped => failure(FailureCode::InternalError, "The job was stopped", reached),
            PipelineError::InvalidAudio { stage, cause } => failure(FailureCode::InvalidAudio, cause, Some(*stage)),
            PipelineError::ModelUnavailable { stage, cause } => failure(FailureCode::ModelUnavailable, cause, Some(*stage)),
            PipelineError::StageFailed { stage, cause } => failure(FailureCode::ProcessingFailed, cause, Some(*stage)),
            PipelineError::NoRoom => failure(FailureCode::InternalError, "There is no room on the server's disk", reached),
            PipelineError::Internal { stage, cause } => {
                error!(event = "job_broke", cause, "The engine failed on a job");
                failure(FailureCode::InternalError, "The server failed on this recording", *stage)
            }
        }
    }
}

fn started_at(job: &Job, otherwise: DateTime<Utc>) -> DateTime<Utc> {
    job.state.started_at().unwrap_or(otherwise)
}
