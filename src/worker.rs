//! The one task that drains the queue: claim, annotate, publish or reject.
//!
//! It decides how a run ends and how often recording the end is retried; [`Lifecycle`] makes the change itself. At most one job
//! runs, and the next one is started after the end of the last one is recorded. [`outcome`] ends runs, [`watch`] makes sure
//! that each one ends.

mod outcome;
mod watch;

use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span};

use crate::context::JobContext;
use crate::document::Document;
use crate::engine::{Engine, Work};
use crate::jobs::Job;
use crate::jobs::stage::Stage;
use crate::lifecycle::{Lifecycle, Running};
use crate::pipeline::PipelineError;
use crate::stop::StopReason;
use crate::volume::ResultNames;

/// The parts that the worker depends on.
pub struct Worker {
    /// Starts, reports and ends runs.
    pub lifecycle: Lifecycle,
    pub engine: Engine,
    pub limits: TimeLimits,
    /// Time between two checks of the queue when nothing wakes the worker.
    pub poll_interval: Duration,
    /// Whether and how results are also published under their recordings' names.
    pub name_results: ResultNames,
    /// Cancelled when jobs may be started: first, the files that a server died on are examined alone.
    pub may_start: CancellationToken,
    /// Cancelled when the worker must start no further job.
    pub stopping: CancellationToken,
    /// Cancelled when the running job has no time left because the process ends.
    pub ending: CancellationToken,
}

/// How long a job may take, and how long the engine may be silent.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Limit of any job (`queue.task_timeout`).
    pub task_timeout: Option<Duration>,
    /// The same in multiples of the recording's length (`queue.task_timeout_factor`).
    pub task_timeout_factor: Option<f64>,
    /// Time without a heartbeat after which the engine counts as stalled.
    pub stall_timeout: Option<Duration>,
}

impl TimeLimits {
    /// How long an attempt at a recording of this length may take: the longer of what both settings allow.
    fn of(&self, audio_seconds: f64) -> Option<Duration> {
        let by_length = self.task_timeout_factor.and_then(|factor| Duration::try_from_secs_f64(factor * audio_seconds).ok());
        self.task_timeout.max(by_length)
    }
}

/// The engine hangs in a call that cannot be interrupted, so the process has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine stands still and cannot be stopped; a new process is needed")]
pub struct EngineStalled;

impl Worker {
    /// Works until it is stopped, and until the running job has ended or was put back.
    ///
    /// # Errors
    /// When the engine hangs: the job has been ended, and this process cannot process another one.
    pub async fn run(self) -> Result<(), EngineStalled> {
        tokio::select! {
            () = self.may_start.cancelled() => {}
            () = self.stopping.cancelled() => {}
        }
        while !self.stopping.is_cancelled() {
            // A job that cannot be claimed would otherwise be started and put back repeatedly.
            if !self.lifecycle.can_work().await {
                self.pause().await;
                continue;
            }
            match self.lifecycle.start_next() {
                Some(running) => {
                    let span = info_span!("job", job_id = %running.id());
                    let worked = self.work(&running).instrument(span).await;
                    if running.stop().is_raised() {
                        self.lifecycle.forget_cancellation(&running).await;
                    }
                    worked?;
                }
                None => {
                    self.resume();
                    tokio::select! {
                        () = self.lifecycle.wait_for_work(self.poll_interval) => {}
                        () = self.stopping.cancelled() => {}
                    }
                }
            }
        }
        Ok(())
    }

    async fn work(&self, running: &Running) -> Result<(), EngineStalled> {
        if let Err(error) = self.lifecycle.claim(running).await {
            self.not_claimed(running, &error).await;
            return Ok(());
        }
        self.resume();
        let (job, stop) = (running.job(), running.stop());
        info!(event = "job_started", size = job.file.size_bytes, attempt = job.attempts, "Started a job");
        let fingerprint = fingerprint(job, self.engine.status().identity());
        let checkpoints = self.lifecycle.checkpoints(running, fingerprint).await;
        let context = JobContext::new(stop.clone(), self.lifecycle.progress_sink(running))
            .with_checkpoints(checkpoints.clone())
            .with_scratch(self.lifecycle.scratch());
        let annotated = self.annotate(running, context.clone());
        let Some(annotated) = self.watch(annotated, &context, self.limits.of(job.file.source.duration.as_seconds())).await else {
            return self.stalled(running).await;
        };
        match annotated {
            _ if stop.reason() == Some(StopReason::Deleted) => self.lifecycle.remove_running(running).await,
            _ if stop.reason() == Some(StopReason::Cancelled) => self.cancel(running).await,
            Ok(document) => self.publish(running, document, &checkpoints).await,
            Err(PipelineError::Stopped) if stop.reason() == Some(StopReason::Shutdown) => self.put_back(running).await,
            // The job waits until there is room, as if it had not been started. Others may need less.
            Err(PipelineError::NoRoom) if stop.reason() != Some(StopReason::TimedOut) => {
                self.put_back(running).await;
                if !self.lifecycle.postpone(running.id()) {
                    self.pause().await;
                }
            }
            Err(error) => {
                let failure = self.failure_of(running, &error);
                self.reject(running, failure).await;
            }
        }
        Ok(())
    }

    /// Opens the recording, and hands it to the engine.
    async fn annotate(&self, running: &Running, context: JobContext) -> Result<Document, PipelineError> {
        let job = running.job();
        let opened = match self.lifecycle.open_recording(running.shared()).await {
            // A passing fault of the disk must not fail a job.
            Err(_) => self.lifecycle.open_recording(running.shared()).await,
            opened => opened,
        };
        let (recording, _) = opened.map_err(|error| PipelineError::Internal {
            stage: Some(Stage::Validation),
            cause: format!("reading the recording: {error}"),
        })?;
        self.engine.annotate(Work { recording, file: job.file.clone(), options: job.options.clone() }, context).await
    }

    /// The stage that the running job has reached.
    fn reached(&self, running: &Running) -> Option<Stage> {
        let job = self.lifecycle.jobs().find(running.id())?;
        job.state.progress().map(|progress| progress.stage)
    }
}

/// Hash of everything that the results of a recording depend on: checkpoints with another fingerprint are not used.
fn fingerprint(job: &Job, engine: &str) -> String {
    let on = format!("{} {} {:?} {engine}", env!("CARGO_PKG_VERSION"), job.file.sha256, job.options);
    HEXLOWER.encode(&Sha256::digest(on.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_both_limits_counts() {
        let limits = |task_timeout: Option<u64>, task_timeout_factor| TimeLimits {
            task_timeout: task_timeout.map(Duration::from_secs),
            task_timeout_factor,
            stall_timeout: None,
        };
        let seconds = |limits: TimeLimits, length| limits.of(length).map(|limit| limit.as_secs());
        assert_eq!(seconds(limits(None, None), 60.0), None);
        assert_eq!(seconds(limits(Some(100), None), 600.0), Some(100));
        assert_eq!(seconds(limits(None, Some(0.5)), 600.0), Some(300));
        assert_eq!(seconds(limits(Some(100), Some(0.5)), 600.0), Some(300));
        assert_eq!(seconds(limits(Some(100), Some(0.5)), 60.0), Some(100));
        assert_eq!(seconds(limits(None, Some(2.0)), f64::NAN), None);
    }
}
