//! The one task that drains the queue: claim, annotate, publish or reject.
//!
//! It owns what becomes of a job. At most one job runs; the next one is taken when the last one is done with, on the volume
//! as in the registry: the volume first, so that what a client is told is already on the disk. [`endings`] is what becomes of
//! a job, [`watch`] sees to it that one comes to its end.

mod outcome;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span, warn};

use crate::checkpoints::Checkpoints;
use crate::clock::Clock;
use crate::context::JobContext;
use crate::engine::{Engine, Work};
use crate::jobs::registry::Registry;
use crate::jobs::{Job, JobId};
use crate::pipeline::PipelineError;
use crate::stop::{StopReason, StopSignal};
use crate::volume::{ResultNames, Volume};

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
    pub limits: TimeLimits,
    /// Between two looks when nothing wakes the worker.
    pub poll_interval: Duration,
    /// Whether results are also found by their recordings' names.
    pub name_results: ResultNames,
    /// Raised when no further job is to be begun.
    pub stopping: CancellationToken,
    /// Raised when the running job has no time left because the process ends.
    pub ending: CancellationToken,
}

/// How long a job may take, and how long it may say nothing.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Any job.
    pub task_timeout: Option<Duration>,
    /// In multiples of the recording's length.
    pub task_timeout_factor: Option<f64>,
    /// Without a sign of life of the engine.
    pub stall_timeout: Option<Duration>,
}

impl TimeLimits {
    /// How long an attempt at a recording of this length may take: the longer of what both settings allow.
    fn of(&self, audio_seconds: f64) -> Option<Duration> {
        let by_length = self.task_timeout_factor.and_then(|factor| Duration::try_from_secs_f64(factor * audio_seconds).ok());
        self.task_timeout.max(by_length)
    }
}

/// The engine stands still inside a call that nothing can end: the process has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine stands still and cannot be stopped; a new process is needed")]
pub struct EngineStalled;

impl Worker {
    /// Works until told to stop, and until the running job has come to its end or was put back.
    ///
    /// # Errors
    /// When the engine stands still: the job has been dealt with, and nothing more can be done in this process.
    pub async fn run(self) -> Result<(), EngineStalled> {
        while !self.stopping.is_cancelled() {
            // Begun and not claimed, a job would go to and fro.
            if !self.on_volume(|volume| Ok(volume.can_work())).await.unwrap_or(true) {
                self.pause().await;
                continue;
            }
            match self.registry.start_next() {
                Some((job, stop)) => {
                    let span = info_span!("job", job_id = %job.id);
                    let id = job.id;
                    let worked = self.work(job, stop.clone()).instrument(span).await;
                    if stop.is_raised() {
                        self.forget_cancellation(id).await;
                    }
                    worked?;
                }
                None => {
                    self.resume();
                    tokio::select! {
                        () = self.registry.wait_for_work(self.poll_interval) => {}
                        () = self.stopping.cancelled() => {}
                    }
                }
            }
        }
        Ok(())
    }

    async fn work(&self, job: Arc<Job>, stop: StopSignal) -> Result<(), EngineStalled> {
        let running = (*job).clone();
        let claimed = self.on_volume({
            let running = running.clone();
            move |volume| volume.claim(&running)
        });
        let recording = match claimed.await {
            Ok(path) => {
                self.resume();
                path
            }
            Err(error) => {
                self.not_claimed(running, &error).await;
                return Ok(());
            }
        };
        info!(event = "job_started", size = running.file.size_bytes, attempt = running.attempts, "Started a job");
        let work = Work { recording, file: running.file.clone(), options: running.options.clone() };
        let registry = self.registry.clone();
        let id = job.id;
        let checkpoints = self.checkpoints(&running).await;
        let context = JobContext::new(stop.clone(), Arc::new(move |stage, percent| registry.report(id, stage, percent)))
            .with_checkpoints(checkpoints.clone())
            .with_scratch(self.volume.scratch());
        let annotated = self.engine.annotate(work, context.clone());
        let Some(annotated) = self.watch(annotated, &context, self.limits.of(running.file.duration_seconds)).await else {
            return self.stalled(running, stop.reason()).await;
        };
        match annotated {
            _ if stop.reason() == Some(StopReason::Deleted) => self.delete(running.id, &running.state).await,
            _ if stop.reason() == Some(StopReason::Cancelled) => self.cancel(running).await,
            Ok(document) => self.publish(running, document, &checkpoints).await,
            Err(PipelineError::Stopped) if stop.reason() == Some(StopReason::Shutdown) => self.put_back(running).await,
            // As with a job that has not begun: it waits until there is room. The others may need less.
            Err(PipelineError::NoRoom) if stop.reason() != Some(StopReason::TimedOut) => {
                let id = running.id;
                self.put_back(running).await;
                if !self.registry.postpone(id) {
                    self.pause().await;
                }
            }
            Err(error) => {
                let failure = self.failure_of(&running, &error, stop.reason());
                self.reject(running, failure).await;
            }
        }
        Ok(())
    }

    /// What was worked out of a job before the process ended, unless something has changed since that it depends on.
    async fn checkpoints(&self, job: &Job) -> Checkpoints {
        let (id, fingerprint) = (job.id, fingerprint(job, self.engine.status().identity()));
        match self.on_volume(move |volume| volume.open_checkpoints(id, &fingerprint)).await {
            Ok((file, found)) => {
                let checkpoints = Checkpoints::new(found, Box::new(move |piece| file.append(piece)));
                if checkpoints.waiting() > 0 {
                    info!(event = "job_resumed", checkpoints = checkpoints.waiting(), "Going on from checkpoints");
                }
                checkpoints
            }
            Err(error) => {
                warn!(event = "checkpoints_unusable", cause = %error, "A job's checkpoints cannot be used; it is begun anew");
                Checkpoints::none()
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

    async fn on_volume<T: Send + 'static>(&self, step: impl FnOnce(&Volume) -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let volume = self.volume.clone();
        tokio::task::spawn_blocking(move || step(&volume)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Everything that what is worked out of a recording depends on.
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
