//! Notes the first use of each model file around the stage that uses it ([`Trials`]).
//!
//! The note is gone as soon as the model has answered once: when the stage reports progress, or returns. A stage that panics or is
//! stopped has neither proven the model nor harmed the process.

use std::path::PathBuf;

use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::models::trials::Trials;

/// The model files of each stage that uses some.
pub(super) struct FirstUses {
    trials: Trials,
    files: Vec<(Stage, Vec<PathBuf>)>,
}

/// A stage that is running.
pub(super) struct InUse {
    trials: Trials,
    files: Vec<PathBuf>,
}

impl FirstUses {
    pub(super) fn new(trials: Trials, files: Vec<(Stage, Vec<PathBuf>)>) -> Self {
        Self { trials, files }
    }

    pub(super) fn none() -> Self {
        Self::new(Trials::none(), Vec::new())
    }

    pub(super) fn begin(&self, stage: Stage) -> InUse {
        let files = self.files.iter().find(|(of, _)| *of == stage).map(|(_, files)| files.clone()).unwrap_or_default();
        self.trials.use_begins(&files);
        #[cfg(feature = "faults")]
        super::faults::strike_use(&files);
        InUse { trials: self.trials.clone(), files }
    }
}

impl InUse {
    /// A context that ends the note at the stage's first progress.
    pub(super) fn until_progress(&self, ctx: &JobContext) -> JobContext {
        let (trials, files) = (self.trials.clone(), self.files.clone());
        ctx.noticing_progress(move || trials.use_went_well(&files))
    }

    /// The stage has returned without being stopped.
    pub(super) fn went_well(self) {
        self.trials.use_went_well(&self.files);
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.trials.nothing_runs();
    }
}
