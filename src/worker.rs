//! The one task that drains the queue: claim, annotate, publish or reject.
//!
//! It owns what becomes of a job. At most one job runs; the next one is taken when the last one is done with, on the volume
//! as in the registry: the volume first, so that what a client is told is already on the disk.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use crate::annotate::document::Document;
use crate::clock::Clock;
use crate::context::JobContext;
use crate::engine::{Engine, Work};
use crate::jobs::registry::{Outcome, Registry};
use crate::jobs::{Failure, FailureCode, Job, JobState};
use crate::pipeline::PipelineError;
use crate::stop::{StopReason, StopSignal};
use crate::volume::Volume;

/// The parts that the worker needs.
pub struct Worker {
    /// All jobs.
    pub registry: Registry,
    /// All files.
    pub volume: Volume,
    /// The models.
    pub engine: Engine,
    /// The time.
    pub clock: Clock,
    /// How long one job may take.
    pub task_timeout: Option<Duration>,
    /// Between two looks when nothing wakes the worker.
    pub poll_interval: Duration,
    /// Raised when no further job is to be begun.
    pub stopping: CancellationToken,
}

/// The body of `GET /jobs/{job_id}/result`, as it lies in `result.json`.
#[derive(Serialize)]
struct ResultFile<'a> {
    job_id: String,
    status: &'static str,
    completed_at: String,
    processing_time: f64,
    result: &'a Document,
}

impl Worker {
    /// Works until told to stop, and until the running job has come to its end or was put back.
    pub async fn run(self) {
        while !self.stopping.is_cancelled() {
            match self.registry.start_next() {
                Some((job, stop)) => {
                    let span = info_span!("job", job_id = %job.id);
                    self.work(job, stop).instrument(span).await;
                }
                None => tokio::select! {
                    () = self.registry.wait_for_work(self.poll_interval) => {}
                    () = self.stopping.cancelled() => {}
                },
            }
        }
    }

    async fn work(&self, job: Arc<Job>, stop: StopSignal) {
        let running = (*job).clone();
        let claimed = self.on_volume({
            let running = running.clone();
            move |volume| volume.claim(&running)
        });
        let recording = match claimed.await {
            Ok(path) => path,
            Err(cause) => {
                // The folder is gone or the disk is broken: there is nothing to move to failed/ either.
                error!(event = "claim_failed", cause, "A recording could not be claimed");
                if stop.reason() == Some(StopReason::Deleted) {
                    return self.delete(&Job { state: JobState::Queued, ..running }).await;
                }
                let failure = Failure {
                    code: FailureCode::InternalError,
                    message: "The recording could not be taken from incoming/".to_owned(),
                    stage: None,
                };
                self.registry.finish(job.id, self.clock.now(), Outcome::Failed(failure));
                return;
            }
        };
        info!(event = "job_started", size = running.file.size_bytes, attempt = running.attempts, "Started a job");
        let work = Work {
            recording,
            size_bytes: running.file.size_bytes,
            sha256: running.file.sha256.clone(),
            options: running.options.clone(),
        };
        let registry = self.registry.clone();
        let id = job.id;
        let context = JobContext::new(stop.clone(), Arc::new(move |stage, percent| registry.report(id, stage, percent)));
        let annotated = self.engine.annotate(work, context);
        let annotated = match self.task_timeout {
            None => annotated.await,
            Some(limit) => {
                let mut annotated = std::pin::pin!(annotated);
                match tokio::time::timeout(limit, &mut annotated).await {
                    Ok(result) => result,
                    Err(_) => {
                        stop.raise(StopReason::TimedOut);
                        annotated.await
                    }
                }
            }
        };
        // A deletion that came too late to stop the work still counts.
        if stop.reason() == Some(StopReason::Deleted) {
            return self.delete(&running).await;
        }
        match annotated {
            Ok(document) => self.publish(running, &document).await,
            Err(PipelineError::Stopped) if stop.reason() == Some(StopReason::Shutdown) => self.put_back(running).await,
            Err(error) => self.reject(running, failure_of(&error, stop.reason())).await,
        }
    }

    async fn publish(&self, running: Job, document: &Document) {
        let finished_at = self.clock.now();
        let started_at = started_at(&running, finished_at);
        let job = Job { state: JobState::Completed { started_at, finished_at }, ..running };
        let file = ResultFile {
            job_id: job.id.to_string(),
            status: job.state.name(),
            completed_at: finished_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            processing_time: (finished_at - started_at).num_milliseconds() as f64 / 1000.0,
            result: document,
        };
        let bytes = serde_json::to_vec(&file).expect("the document has string keys and finite numbers, so it is always JSON");
        let id = job.id;
        let (job_on_disk, speakers) = (job.clone(), document.metadata.speaker_count);
        match self.on_volume(move |volume| volume.publish(&job_on_disk, &bytes)).await {
            Ok(()) => {
                self.registry.finish(id, finished_at, Outcome::Completed);
                let seconds = (finished_at - started_at).num_milliseconds() as f64 / 1000.0;
                info!(event = "job_completed", seconds, speakers, "Completed a job");
            }
            Err(cause) => {
                error!(event = "publish_failed", cause, "A result could not be written");
                let failure = Failure {
                    code: FailureCode::InternalError,
                    message: "The result could not be written to the volume".to_owned(),
                    stage: None,
                };
                self.reject(job, failure).await;
            }
        }
    }

    async fn reject(&self, running: Job, failure: Failure) {
        let finished_at = self.clock.now();
        let started_at = Some(started_at(&running, finished_at));
        let job = Job { state: JobState::Failed { started_at, finished_at, failure: failure.clone() }, ..running };
        let id = job.id;
        warn!(
            event = "job_failed",
            code = failure.code.name(),
            stage = failure.stage.map(crate::jobs::stage::Stage::name),
            "A job failed"
        );
        let on_disk = failure.clone();
        if let Err(cause) = self.on_volume(move |volume| volume.reject(&job, &on_disk)).await {
            // It lies in processing/ and will be tried again at the next start.
            error!(event = "reject_failed", cause, "A failed job could not be moved to failed/");
        }
        self.registry.finish(id, finished_at, Outcome::Failed(failure));
    }

    async fn put_back(&self, running: Job) {
        // An orderly stop is no failed attempt.
        let job = Job { state: JobState::Queued, attempts: running.attempts.saturating_sub(1), ..running };
        let id = job.id;
        if let Err(cause) = self.on_volume(move |volume| volume.put_back(&job)).await {
            error!(event = "put_back_failed", cause, "A running job could not be put back; the next start does it");
        }
        self.registry.requeue(id);
        info!(event = "job_put_back", "Put a running job back into the queue");
    }

    async fn delete(&self, running: &Job) {
        let (id, state) = (running.id, running.state.clone());
        if let Err(cause) = self.on_volume(move |volume| volume.remove(id, &state)).await {
            error!(event = "remove_failed", cause, "A deleted job's files could not be removed");
        }
        self.registry.forget(id);
        info!(event = "job_deleted", "Deleted a running job");
    }

    async fn on_volume<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Volume) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let volume = self.volume.clone();
        match tokio::task::spawn_blocking(move || step(&volume)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn started_at(job: &Job, otherwise: DateTime<Utc>) -> DateTime<Utc> {
    match &job.state {
        JobState::Processing { started_at, .. } | JobState::Completed { started_at, .. } => *started_at,
        JobState::Failed { started_at, .. } => started_at.unwrap_or(otherwise),
        JobState::Queued => otherwise,
    }
}

/// A job failure as clients read it. The full cause is in the log.
fn failure_of(error: &PipelineError, reason: Option<StopReason>) -> Failure {
    match error {
        PipelineError::Stopped if reason == Some(StopReason::TimedOut) => Failure {
            code: FailureCode::Timeout,
            message: "The job took longer than queue.task_timeout allows".to_owned(),
            stage: None,
        },
        PipelineError::Stopped => {
            Failure { code: FailureCode::InternalError, message: "The job was stopped".to_owned(), stage: None }
        }
        PipelineError::InvalidAudio { stage, cause } => {
            Failure { code: FailureCode::InvalidAudio, message: cause.clone(), stage: Some(*stage) }
        }
        PipelineError::ModelUnavailable { stage, cause } => {
            Failure { code: FailureCode::ModelUnavailable, message: cause.clone(), stage: Some(*stage) }
        }
        PipelineError::StageFailed { stage, cause } => {
            Failure { code: FailureCode::ProcessingFailed, message: cause.clone(), stage: Some(*stage) }
        }
        PipelineError::Internal { stage, cause } => {
            error!(event = "job_broke", cause, "The engine failed on a job");
            Failure { code: FailureCode::InternalError, message: "The server failed on this recording".to_owned(), stage: *stage }
        }
    }
}
