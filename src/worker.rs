//! The one task that drains the queue: claim, annotate, publish or reject.
//!
//! It owns what becomes of a job. At most one job runs; the next one is taken when the last one is done with, on the volume
//! as in the registry: the volume first, so that what a client is told is already on the disk.

use std::io;
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
use crate::jobs::registry::{Outcome, Registry, Requeued, Settled};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode, Job, JobId, JobState};
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
                    let id = job.id;
                    self.work(job, stop.clone()).instrument(span).await;
                    if stop.reason().is_some() {
                        self.forget_cancellation(id).await;
                    }
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
            Err(error) => return self.not_claimed(running, &error).await,
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
        match annotated {
            _ if stop.reason() == Some(StopReason::Deleted) => self.delete(running.id, &running.state).await,
            _ if stop.reason() == Some(StopReason::Cancelled) => self.cancel(running).await,
            Ok(document) => self.publish(running, &document).await,
            Err(PipelineError::Stopped) if stop.reason() == Some(StopReason::Shutdown) => self.put_back(running).await,
            Err(error) => {
                let failure = self.failure_of(&running, &error, stop.reason());
                self.reject(running, failure).await;
            }
        }
    }

    /// A recording that is gone is a failure; anything else is the volume's trouble, and the job waits until it is over.
    async fn not_claimed(&self, running: Job, error: &io::Error) {
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
    async fn cancel(&self, running: Job) {
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

    async fn publish(&self, running: Job, document: &Document) {
        let finished_at = self.clock.now();
        let started_at = started_at(&running, finished_at);
        let job = Job { state: JobState::Completed { started_at, finished_at }, ..self.present(&running) };
        let file = ResultFile {
            job_id: job.id.to_string(),
            status: job.state.name(),
            completed_at: finished_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            processing_time: (finished_at - started_at).num_milliseconds().max(0) as f64 / 1000.0,
            result: document,
        };
        let bytes = serde_json::to_vec(&file).expect("the document has string keys and finite numbers, so it is always JSON");
        let speakers = document.metadata.speaker_count;
        let seconds = file.processing_time;
        let bytes = Arc::new(bytes);
        let written = self.insist(&job, move |volume, job| volume.publish(job, &bytes)).await;
        if written && self.settle(&job, Outcome::Completed).await {
            info!(event = "job_completed", seconds, speakers, "Completed a job");
            let measured = self.registry.measured();
            if let Err(error) = self.on_volume(move |volume| volume.keep_speed(&measured)).await {
                warn!(event = "speed_not_kept", cause = %error, "How long the job took could not be written");
            }
        }
    }

    async fn reject(&self, running: Job, failure: Failure) {
        let finished_at = self.clock.now();
        let started_at = Some(started_at(&running, finished_at));
        let state = JobState::Failed { started_at, finished_at, failure: failure.clone(), progress: None };
        let job = Job { state, ..self.present(&running) };
        warn!(event = "job_failed", code = failure.code.name(), stage = failure.stage.map(Stage::name), "A job failed");
        if self.insist(&job, Volume::reject).await {
            self.settle(&job, Outcome::Failed(failure)).await;
        }
    }

    async fn put_back(&self, running: Job) {
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
                Ok(()) => return true,
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

    async fn delete(&self, id: JobId, state: &JobState) {
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

    /// A cancellation that was written down has done its duty once the job has ended.
    async fn forget_cancellation(&self, id: JobId) {
        if self.registry.find(id).is_none_or(|job| job.state.is_terminal())
            && let Err(error) = self.on_volume(move |volume| volume.forget_cancellation(id)).await
        {
            warn!(event = "cancellation_left", cause = %error, "A cancellation that was carried out stays in temp/");
        }
    }

    /// Lets the volume's trouble pass.
    async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.poll_interval) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    async fn on_volume<T: Send + 'static>(&self, step: impl FnOnce(&Volume) -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let volume = self.volume.clone();
        tokio::task::spawn_blocking(move || step(&volume)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// A job failure as clients read it. The full cause is in the log.
    fn failure_of(&self, running: &Job, error: &PipelineError, reason: Option<StopReason>) -> Failure {
        let reached = match self.registry.find(running.id).as_deref().map(|job| &job.state) {
            Some(state) => state.progress().map(|progress| progress.stage),
            None => None,
        };
        let failure = |code, message: &str, stage| Failure { code, message: message.to_owned(), stage };
        match error {
            PipelineError::Stopped if reason == Some(StopReason::TimedOut) => {
                failure(FailureCode::Timeout, "The job took longer than queue.task_timeout allows", reached)
            }
            PipelineError::Stopped => failure(FailureCode::InternalError, "The job was stopped", reached),
            PipelineError::InvalidAudio { stage, cause } => failure(FailureCode::InvalidAudio, cause, Some(*stage)),
            PipelineError::ModelUnavailable { stage, cause } => failure(FailureCode::ModelUnavailable, cause, Some(*stage)),
            PipelineError::StageFailed { stage, cause } => failure(FailureCode::ProcessingFailed, cause, Some(*stage)),
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
