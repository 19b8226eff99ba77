//! The context of a running job: what every stage gets besides its inputs. It holds the stop signal, the progress sink, the
//! pulse for the watchdog, the checkpoints of earlier runs, and scratch files for data that is too large for memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::checkpoints::Checkpoints;
use crate::jobs::stage::Stage;
use crate::scratch::Scratch;
use crate::stop::{StopSignal, Stopped};

/// Receives the progress of a stage in percent, 0 to 100. It is called often, on the threads that do the work: it must be cheap.
pub type ProgressSink = Arc<dyn Fn(Stage, u8) + Send + Sync>;

/// A counter that rises while a job makes progress, so that the watchdog can detect a stalled engine.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Signals that the job makes progress. Only for the threads that do the work; code that waits for them must not call it.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of beats so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The running job as a stage sees it.
#[derive(Clone)]
pub struct JobContext {
    stop: StopSignal,
    progress: ProgressSink,
    pulse: Pulse,
    checkpoints: Checkpoints,
    scratch: Scratch,
}

impl JobContext {
    /// A context for one run of one job.
    #[must_use]
    pub fn new(stop: StopSignal, progress: ProgressSink) -> Self {
        Self { stop, progress, pulse: Pulse::default(), checkpoints: Checkpoints::none(), scratch: Scratch::none() }
    }

    /// A context that is never stopped and discards progress, for work outside a job.
    #[must_use]
    pub fn detached() -> Self {
        Self::new(StopSignal::new(), Arc::new(|_, _| {}))
    }

    /// The same, resuming from these checkpoints and adding to them.
    #[must_use]
    pub fn with_checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints, ..self }
    }

    /// The same with a place for scratch files.
    #[must_use]
    pub fn with_scratch(self, scratch: Scratch) -> Self {
        Self { scratch, ..self }
    }

    /// The stop signal, for code that waits for the work; the work itself calls [`JobContext::check`].
    #[must_use]
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// The pulse, for native callbacks and the watchdog.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// The checkpoints of earlier runs, and the place for new ones.
    #[must_use]
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Scratch files, for data that grows with the recording's length.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Call at every packet, window and decoder step.
    ///
    /// # Errors
    /// [`Stopped`] once the stop signal has been raised.
    pub fn check(&self) -> Result<(), Stopped> {
        self.pulse.beat();
        self.stop.check()
    }

    /// A context for one of `total` equal parts of a stage: progress from 0 to 100 % in it is scaled to that part.
    #[must_use]
    pub fn within(&self, part: usize, total: usize) -> Self {
        let progress = Arc::clone(&self.progress);
        let scaled = move |stage: Stage, percent: u8| {
            let percent = (part * 100 + usize::from(percent.min(100))).checked_div(total).unwrap_or(100);
            progress(stage, u8::try_from(percent).unwrap_or(100));
        };
        Self { progress: Arc::new(scaled), ..self.clone() }
    }

    /// A context that calls `notice` once, when progress above zero is reported for the first time.
    #[must_use]
    pub fn noticing_progress(&self, notice: impl Fn() + Send + Sync + 'static) -> Self {
        let progress = Arc::clone(&self.progress);
        let noticed = AtomicBool::new(false);
        let noticing = move |stage: Stage, percent: u8| {
            if percent > 0 && !noticed.swap(true, Ordering::Relaxed) {
                notice();
            }
            progress(stage, percent);
        };
        Self { progress: Arc::new(noticing), ..self.clone() }
    }

    /// Reports that `stage` is `percent` (0 to 100) done.
    pub fn report(&self, stage: Stage, percent: u8) {
        self.pulse.beat();
        (self.progress)(stage, percent.min(100));
    }

    /// Reports that `done` of `total` equal parts of `stage` are done.
    pub fn report_part(&self, stage: Stage, done: usize, total: usize) {
        let percent = (done * 100).checked_div(total).unwrap_or(100).min(100);
        self.report(stage, u8::try_from(percent).unwrap_or(100));
    }
}
