//! The watchdog of a run: makes sure that it ends within its time limit, and not later than the process. An engine that hangs
//! in a native call cannot be stopped, so its job is abandoned.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{error, warn};

use super::{EngineStalled, Worker};
use crate::context::{JobContext, Pulse};
use crate::document::Document;
use crate::jobs::{Failure, FailureCode};
use crate::lifecycle::Running;
use crate::pipeline::PipelineError;
use crate::stop::StopReason;

/// Time between two checks. Silence is counted in checks and not by the clock, so that a process that was itself stopped for a
/// while (SIGSTOP, a suspended machine) does not mistake its own pause for the engine's.
const LOOK: Duration = Duration::from_millis(250);

/// How long a job may take to stop when the process ends. The threads of a transcription are left behind after 1.2 s; with
/// the five seconds that a job may go on before, and three for open requests after, the process ends within ten.
const LAST_WAIT: Duration = Duration::from_millis(1500);

/// How long recording the end of an abandoned job may take: a disk that hangs as well must not keep the process alive.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// How long the engine has been silent.
struct Silence {
    pulse: Pulse,
    /// Number of heartbeats at the last check.
    beats: u64,
    lasts: Duration,
}

impl Silence {
    /// Checks for heartbeats. Once the run was asked to stop, heartbeats no longer count: only its end does.
    fn look(&mut self, was_asked_to_stop: bool) -> Duration {
        let beats = self.pulse.count();
        let is_alive = beats != self.beats && !was_asked_to_stop;
        self.beats = beats;
        self.lasts = if is_alive { Duration::ZERO } else { self.lasts + LOOK };
        self.lasts
    }
}

impl Worker {
    /// Waits for the end of a run, and stops it at its time limit. None if it does not end.
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
        // The first tick fires immediately.
        looks.tick().await;
        let mut silence = Silence { pulse: context.pulse().clone(), beats: 0, lasts: Duration::ZERO };
        let mut since_the_end = Duration::ZERO;
        let mut was_asked_to_stop = false;
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
            if context.stop().is_raised() && !was_asked_to_stop {
                was_asked_to_stop = true;
                silence.lasts = Duration::ZERO;
            }
            let silent = silence.look(was_asked_to_stop);
            if self.ending.is_cancelled() {
                since_the_end += LOOK;
                if since_the_end >= LAST_WAIT {
                    return None;
                }
            }
            if let Some(most) = self.limits.stall_timeout {
                // Set at half the time, so that health shows it before the process ends.
                status.set_stalled(silent >= most / 2);
                if silent >= most {
                    error!(event = "engine_stalled", seconds = silent.as_secs(), "The engine stands still");
                    return None;
                }
            }
        }
    }

    /// Records the end of a job whose run does not end. If the store does not accept it in time, the next start handles the job.
    pub(super) async fn stalled(&self, running: &Running) -> Result<(), EngineStalled> {
        let (ends, orderly) = match running.stop().reason() {
            Some(StopReason::Deleted) => (timeout(LAST_WRITES, self.lifecycle.remove_running(running)).await, false),
            Some(StopReason::Cancelled) => (timeout(LAST_WRITES, self.cancel(running)).await, false),
            Some(StopReason::Shutdown) => {
                warn!(event = "left_behind", "The engine does not stop in time; its job is put back");
                (timeout(LAST_WRITES, self.put_back(running)).await, true)
            }
            Some(StopReason::TimedOut) | None => {
                let failure = Failure {
                    code: FailureCode::Timeout,
                    message: "The engine stood still on this recording".to_owned(),
                    stage: self.reached(running),
                };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_end_a_silence_until_the_work_is_asked_to_stop() {
        let pulse = Pulse::default();
        let mut silence = Silence { pulse: pulse.clone(), beats: 0, lasts: Duration::ZERO };
        assert_eq!([silence.look(false), silence.look(false)], [LOOK, LOOK * 2]);
        pulse.beat();
        assert_eq!([silence.look(false), silence.look(false)], [Duration::ZERO, LOOK]);
        pulse.beat();
        assert_eq!(silence.look(true), LOOK * 2);
    }
}
