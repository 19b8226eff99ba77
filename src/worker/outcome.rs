//! How a run ends: published, failed, cancelled or put back, and tried again while the disk is full.

use tracing::{error, info, warn};

use super::Worker;
use crate::checkpoints::Checkpoints;
use crate::document::{Document, ResultFile, ResultStatus};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};
use crate::lifecycle::{ClaimError, Ending, Finished, PutBack, Running};
use crate::pipeline::PipelineError;
use crate::stop::StopReason;

impl Worker {
    /// Handles a job that could not be claimed. A missing recording fails the job; after any other error of the store the job
    /// waits until the store works again.
    pub(super) async fn not_claimed(&self, running: &Running, error: &ClaimError) {
        match error {
            ClaimError::RecordingGone(_) => {
                let failure = Failure {
                    code: FailureCode::InternalError,
                    message: "The recording is not in incoming/ any more".to_owned(),
                    stage: None,
                };
                self.lifecycle.fail_without_recording(running, failure).await;
            }
            ClaimError::Store(_) => match self.lifecycle.requeue_unclaimed(running).await {
                PutBack::Waiting => self.pause().await,
                PutBack::Deleted => {}
                PutBack::Cancelled => self.cancel(running).await,
            },
        }
    }

    /// Ends the run of a job that a client cancelled.
    pub(super) async fn cancel(&self, running: &Running) {
        if self.insist(running, &self.lifecycle.end_cancelled(running)).await {
            info!(event = "job_cancelled", "Cancelled a running job");
        }
    }

    /// Publishes the result of a run.
    pub(super) async fn publish(&self, running: &Running, document: Document, checkpoints: &Checkpoints) {
        let ending = self.lifecycle.complete(running);
        let job = ending.job();
        let (Some(started_at), Some(finished_at)) = (job.state.started_at(), job.state.finished_at()) else { return };
        let file = ResultFile {
            job_id: job.id.into(),
            status: ResultStatus::Completed,
            completed_at: finished_at,
            processing_time: (finished_at - started_at).num_milliseconds().max(0) as f64 / 1000.0,
            result: document,
        };
        let bytes = serde_json::to_vec(&file).expect("the document has string keys and finite numbers, so it is always JSON");
        let (seconds, speakers) = (file.processing_time, file.result.metadata.speaker_count);
        let (recalled, kept) = (checkpoints.recalled(), checkpoints.kept());
        let ending = ending.with_result(bytes, self.name_results);
        // Work that was done before a restart is missing from the time.
        let ending = if recalled == 0 { ending } else { ending.without_timing() };
        if self.insist(running, &ending).await {
            info!(event = "job_completed", seconds, speakers, recalled, kept, "Completed a job");
        }
    }

    /// Ends a run without a result.
    pub(super) async fn reject(&self, running: &Running, failure: Failure) {
        warn!(event = "job_failed", code = failure.code.name(), stage = failure.stage.map(Stage::name), "A job failed");
        self.insist(running, &self.lifecycle.fail(running, failure)).await;
    }

    /// Puts the running job back into the queue, unless a client cancelled or deleted it meanwhile.
    pub(super) async fn put_back(&self, running: &Running) {
        match self.lifecycle.put_back(running).await {
            PutBack::Waiting | PutBack::Deleted => {}
            PutBack::Cancelled => self.cancel(running).await,
        }
    }

    /// Records the end of a run and retries until the store accepts it: a full disk must not lose finished work. Returns whether
    /// it was recorded; if the server stops first, the job stays in `processing/` and the next start runs it again.
    async fn insist(&self, running: &Running, ending: &Ending) -> bool {
        loop {
            match self.lifecycle.finish(ending).await {
                Ok(finished) => {
                    self.resume();
                    return finished == Finished::Recorded;
                }
                Err(error) => {
                    error!(event = "write_failed", cause = %error, "The end of a job could not be written; trying again");
                }
            }
            if self.stopping.is_cancelled() {
                return false;
            }
            if self.lifecycle.is_unwanted(running) {
                // The disk may be full: the deletion must not wait until there is room.
                self.lifecycle.remove_running(running).await;
                return false;
            }
            self.pause().await;
        }
    }

    /// Resumes the queue: files can be written to the store.
    pub(super) fn resume(&self) {
        if self.lifecycle.set_paused(false) {
            info!(event = "queue_resumed", "The volume takes files again; the queue goes on");
        }
    }

    /// Pauses the queue and waits before the store is tried again.
    pub(super) async fn pause(&self) {
        if self.lifecycle.set_paused(true) {
            error!(event = "queue_paused", "The volume takes no files; the queue waits until it does");
        }
        tokio::select! {
            () = tokio::time::sleep(self.poll_interval) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// The failure of a job as clients read it. The full cause is in the log.
    pub(super) fn failure_of(&self, running: &Running, error: &PipelineError) -> Failure {
        let reached = self.reached(running);
        let failure = |code, message: &str, stage| Failure { code, message: message.to_owned(), stage };
        match error {
            PipelineError::Stopped if running.stop().reason() == Some(StopReason::TimedOut) => failure(
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
