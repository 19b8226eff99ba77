//! What every stage is handed besides its inputs: the stop signal, the place to report progress to, what was worked out
//! before a restart, and room beside memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::checkpoints::Checkpoints;
use crate::jobs::stage::Stage;
use crate::scratch::Scratch;
use crate::stop::{StopSignal, Stopped};

/// Receives "this stage is so many percent done". Called often and from the thread that does the work: it must be cheap.
pub type ProgressSink = Arc<dyn Fn(Stage, u8) + Send + Sync>;

/// Beats while a job's work lives: whoever watches it sees when it stands still.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The work lives. Only for the threads that do it: what waits for them must not beat in their place.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has beaten.
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

    /// A context that is never stopped and tells nobody, for work outside a job.
    #[must_use]
    pub fn detached() -> Self {
        Self::new(StopSignal::new(), Arc::new(|_, _| {}))
    }

    /// The same, which goes on from these checkpoints and keeps new ones.
    #[must_use]
    pub fn with_checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints, ..self }
    }

    /// The same with room beside memory.
    #[must_use]
    pub fn with_scratch(self, scratch: Scratch) -> Self {
        Self { scratch, ..self }
    }

    /// The signal, for whoever waits for the work; the work itself calls [`JobContext::check`].
    #[must_use]
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// The pulse, for native callbacks and for whoever watches.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What was worked out before, and the place for what is new.
    #[must_use]
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Room beside memory, for what grows with the recording.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Call at every packet, window and decoder step.
    ///
    /// # Errors
    /// [`Stopped`] once the job was told to stop.
    pub fn check(&self) -> Result<(), Stopped> {
        self.pulse.beat();
        self.stop.check()
    }

    /// A context for one of `total` equal parts of a stage: what is reported to it counts for that part.
    #[must_use]
    pub fn within(&self, part: usize, total: usize) -> Self {
        let progress = Arc::clone(&self.progress);
        let scaled = move |stage: Stage, percent: u8| {
            let percent = (part * 100 + usize::from(percent.min(100))).checked_div(total).unwrap_or(100);
            progress(stage, u8::try_from(percent).unwrap_or(100));
        };
        Self { progress: Arc::new(scaled), ..self.clone() }
    }

    /// Says that `stage` is `percent` (0 to 100) done.
    pub fn report(&self, stage: Stage, percent: u8) {
        self.pulse.beat();
        (self.progress)(stage, percent.min(100));
    }

    /// Says that `done` of `total` equal parts of `stage` are done.
    pub fn report_part(&self, stage: Stage, done: usize, total: usize) {
        let percent = (done * 100).checked_div(total).unwrap_or(100).min(100);
        self.report(stage, u8::try_from(percent).unwrap_or(100));
    }
}
