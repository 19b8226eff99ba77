//! Sees to it that a job comes to its end: within its time, and not later than the process. What stands still inside a native
//! call cannot be ended by itself, and is given up.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{error, warn};

use super::{EngineStalled, Worker};
use crate::context::{JobContext, Pulse};
use crate::document::Document;
use crate::jobs::{Failure, FailureCode, Job, JobState};
use crate::pipeline::PipelineError;
use crate::stop::StopReason;

/// Between two looks. Silence is counted in looks and not by the clock, so that a process that was itself stopped for a while
/// (SIGSTOP, a suspended machine) does not take its own silence for the engine's.
const LOOK: Duration = Duration::from_millis(250);

/// How long a job may take to stop when the process ends. The threads of a transcription are left behind after 1.2 s; with
/// the five seconds that a job may go on before, and three for open requests after, the process ends within ten.
const LAST_WAIT: Duration = Duration::from_millis(1500);

/// How long the files of a job that is given up may take: a disk that hangs too must not keep the process.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// How long the work has been silent.
struct Silence {
    pulse: Pulse,
    heard: u64,
    lasts: Duration,
}

impl Silence {
    /// Looks again. What is told to stop lives by stopping: from then on its beats count for nothing.
    fn look(&mut self, was_told_to_stop: bool) -> Duration {
        let heard = self.pulse.count();
        let is_alive = heard != self.heard && !was_told_to_stop;
        self.heard = heard;
        self.lasts = if is_alive { Duration::ZERO } else { self.lasts + LOOK };
        self.lasts
    }
}

impl Worker {
    /// Waits for the end of a run, and stops it when its time is over; none when it will not end.
    pub(super) async fn watch(
        &self,
        annotated: impl Future<Output = Result<Document, PipelineError>>,
        context: &JobContext,
        limit: Option<Duration>,
    ) -> Option<Result<Document, PipelineError>> {
        let mut annotated = pin!(annotated);
        let began = Instant::now();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        looks.tick().await;
        let mut silence = Silence { pulse: context.pulse().clone(), heard: 0, lasts: Duration::ZERO };
        let mut since_the_end = Duration::ZERO;
        let mut was_told_to_stop = false;
        let status = self.engine.status();
        loop {
            tokio::select! {
                result = &mut annotated => {
                    status.set_stalled(false);
                    return Some(result);
                }
                _ = looks.tick() => {}
            }
            if limit.is_some_and(|limit| began.elapsed() >= limit) {
                context.stop().raise(StopReason::TimedOut);
            }
            if context.stop().is_raised() && !was_told_to_stop {
                was_told_to_stop = true;
                silence.lasts = Duration::ZERO;
            }
            let silent = silence.look(was_told_to_stop);
            if self.ending.is_cancelled() {
                since_the_end += LOOK;
                if since_the_end >= LAST_WAIT {
                    return None;
                }
            }
            if let Some(most) = self.limits.stall_timeout {
                // Told halfway, so that whoever asks for health knows before it comes to that.
                status.set_stalled(silent >= most / 2);
                if silent >= most {
                    error!(event = "engine_stalled", seconds = silent.as_secs(), "The engine stands still");
                    return None;
                }
            }
        }
    }

    /// Does with a job what is still to be done when its run will not end. What the volume does not take in time, the next start
    /// does.
    pub(super) async fn stalled(&self, running: Job, reason: Option<StopReason>) -> Result<(), EngineStalled> {
        let (ends, orderly) = match reason {
            Some(StopReason::Deleted) => (timeout(LAST_WRITES, self.delete(running.id, &running.state)).await, false),
            Some(StopReason::Cancelled) => (timeout(LAST_WRITES, self.cancel(running)).await, false),
            Some(StopReason::Shutdown) => {
                warn!(event = "left_behind", "The engine does not stop in time; its job is put back");
                (timeout(LAST_WRITES, self.put_back(running)).await, true)
            }
            Some(StopReason::TimedOut) | None => {
                let failure = self.standstill(&running);
                (timeout(LAST_WRITES, self.reject(running, failure)).await, false)
            }
        };
        if ends.is_err() {
            error!(
                event = "write_failed",
                cause = "no answer",
                "The end of a job could not be written; the next start repeats it"
            );
        }
        if orderly || self.ending.is_cancelled() { Ok(()) } else { Err(EngineStalled) }
    }

    fn standstill(&self, running: &Job) -> Failure {
        let reached = self.registry.find(running.id);
        let progress = reached.as_deref().map(|job| &job.state).and_then(JobState::progress);
        Failure {
            code: FailureCode::Timeout,
            message: "The engine stood still on this recording".to_owned(),
            stage: progress.map(|progress| progress.stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_end_a_silence_until_the_work_is_told_to_stop() {
        let pulse = Pulse::default();
        let mut silence = Silence { pulse: pulse.clone(), heard: 0, lasts: Duration::ZERO };
        assert_eq!([silence.look(false), silence.look(false)], [LOOK, LOOK * 2]);
        pulse.beat();
        assert_eq!([silence.look(false), silence.look(false)], [Duration::ZERO, LOOK]);
        pulse.beat();
        assert_eq!(silence.look(true), LOOK * 2);
    }
}
