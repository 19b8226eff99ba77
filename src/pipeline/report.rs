//! Collects how each stage went, and the warnings, for the result.

use std::time::Instant;

use super::PipelineError;
use crate::capabilities::ModelInfo;
use crate::document::{Model, StageReport, StageStatus};
use crate::jobs::stage::Stage;

/// The reports of one run, in the order of the stages.
#[derive(Default)]
pub(super) struct Reports {
    done: Vec<(Stage, StageReport)>,
    warnings: Vec<String>,
    open: Option<Open>,
}

struct Open {
    stage: Stage,
    began: Instant,
    cpu_began: f64,
    ending: Ending,
}

#[derive(Default)]
enum Ending {
    #[default]
    Unknown,
    Completed(Option<Model>),
    Skipped(String),
    Failed(String),
}

impl Reports {
    /// Starts the report of a stage, and its clocks.
    pub(super) fn begin(&mut self, stage: Stage) {
        self.open = Some(Open { stage, began: Instant::now(), cpu_began: cpu_seconds(), ending: Ending::default() });
    }

    /// Closes the report of the current stage.
    pub(super) fn end(&mut self) {
        let Some(Open { stage, began, cpu_began, ending }) = self.open.take() else { return };
        let seconds = rounded(began.elapsed().as_secs_f64());
        let cpu_seconds = rounded(cpu_seconds() - cpu_began);
        let (status, reason, model) = match ending {
            Ending::Completed(model) => (StageStatus::Completed, None, model),
            Ending::Skipped(reason) => (StageStatus::Skipped, Some(reason), None),
            Ending::Failed(reason) => (StageStatus::Failed, Some(reason), None),
            Ending::Unknown => (StageStatus::Failed, Some("the stage did not say how it ended".to_owned()), None),
        };
        self.done.push((stage, StageReport { status, reason, model, seconds, cpu_seconds }));
    }

    fn set(&mut self, ending: Ending) {
        if let Some(open) = &mut self.open {
            open.ending = ending;
        }
    }

    fn stage(&self) -> Stage {
        self.open.as_ref().map_or(Stage::Validation, |open| open.stage)
    }

    /// The stage succeeded, with this model.
    pub(super) fn completed(&mut self, model: Option<&ModelInfo>) {
        self.set(Ending::Completed(model.map(published)));
    }

    /// The stage is switched off by the job or the settings.
    pub(super) fn switched_off<T>(&mut self) -> Option<T> {
        self.set(Ending::Skipped("switched off".to_owned()));
        None
    }

    /// The stage cannot run; fails a strict job.
    pub(super) fn missing<T>(&mut self, reason: &str, strict: bool) -> Result<Option<T>, PipelineError> {
        let stage = self.stage();
        if strict {
            return Err(PipelineError::ModelUnavailable { stage, cause: reason.to_owned() });
        }
        self.warn(format!("{} was skipped: {reason}", stage.name()));
        self.set(Ending::Skipped(reason.to_owned()));
        Ok(None)
    }

    /// The stage ran and failed; fails a strict job.
    pub(super) fn failed<T>(&mut self, reason: &str, strict: bool) -> Result<Option<T>, PipelineError> {
        let stage = self.stage();
        if strict {
            return Err(PipelineError::StageFailed { stage, cause: reason.to_owned() });
        }
        self.warn(format!("{} failed: {reason}", stage.name()));
        self.set(Ending::Failed(reason.to_owned()));
        Ok(None)
    }

    /// Adds a warning, once.
    pub(super) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(super) fn warn_all(&mut self, warnings: impl IntoIterator<Item = String>) {
        for warning in warnings {
            self.warn(warning);
        }
    }

    pub(super) fn into_parts(self) -> (Vec<(Stage, StageReport)>, Vec<String>) {
        (self.done, self.warnings)
    }
}

/// A model as results name it.
fn published(model: &ModelInfo) -> Model {
    Model {
        name: model.name.clone(),
        framework: model.framework.to_owned(),
        device: model.device.to_owned(),
        license: model.license.map(str::to_owned),
    }
}

/// Processor time that this process has used so far, in seconds.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Rounds seconds to milliseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
