//! What every stage is handed besides its inputs: the stop signal and the place to report progress to.

use std::sync::Arc;

use crate::jobs::stage::Stage;
use crate::stop::{StopSignal, Stopped};

/// Receives "this stage is so many percent done". Called often and from the thread that does the work: it must be cheap.
pub type ProgressSink = Arc<dyn Fn(Stage, u8) + Send + Sync>;

/// The running job as a stage sees it.
#[derive(Clone)]
pub struct JobContext {
    stop: StopSignal,
    progress: ProgressSink,
}

impl JobContext {
    /// A context for one run of one job.
    #[must_use]
    pub fn new(stop: StopSignal, progress: ProgressSink) -> Self {
        Self { stop, progress }
    }

    /// A context that is never stopped and tells nobody, for work outside a job.
    #[must_use]
    pub fn detached() -> Self {
        Self::new(StopSignal::new(), Arc::new(|_, _| {}))
    }

    /// The signal, for handing to native callbacks.
    #[must_use]
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// Call at every packet, window and decoder step.
    ///
    /// # Errors
    /// [`Stopped`] once the job was told to stop.
    pub fn check(&self) -> Result<(), Stopped> {
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
        Self { stop: self.stop.clone(), progress: Arc::new(scaled) }
    }

    /// Says that `stage` is `percent` (0 to 100) done.
    pub fn report(&self, stage: Stage, percent: u8) {
        (self.progress)(stage, percent.min(100));
    }

    /// Says that `done` of `total` equal parts of `stage` are done.
    pub fn report_part(&self, stage: Stage, done: usize, total: usize) {
        let percent = (done * 100).checked_div(total).unwrap_or(100).min(100);
        self.report(stage, u8::try_from(percent).unwrap_or(100));
    }
}
