//! How each stage went, as it is published.

use std::time::Instant;

use super::PipelineError;
use crate::annotate::stages::{PublishedModel, StageReport, StageStatus};
use crate::capabilities::ModelInfo;
use crate::jobs::stage::Stage;

/// The reports of one run.
#[derive(Default)]
pub(super) struct Reports {
    done: Vec<StageReport>,
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
    Completed(Option<PublishedModel>),
    Skipped(String),
    Failed(String),
}

impl Reports {
    pub(super) fn begin(&mut self, stage: Stage) {
        self.open = Some(Open { stage, began: Instant::now(), cpu_began: cpu_seconds(), ending: Ending::default() });
    }

    /// Closes the report of the stage that was begun.
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
        self.done.push(StageReport { stage, status, reason, model, seconds, cpu_seconds });
    }

    fn set(&mut self, ending: Ending) {
        if let Some(open) = &mut self.open {
            open.ending = ending;
        }
    }

    fn stage(&self) -> Stage {
        self.open.as_ref().map_or(Stage::Validation, |open| open.stage)
    }

    pub(super) fn completed(&mut self, model: Option<&ModelInfo>) {
        self.set(Ending::Completed(model.map(PublishedModel::from)));
    }

    /// The job or the settings did not ask for this stage.
    pub(super) fn switched_off<T>(&mut self) -> Option<T> {
        self.set(Ending::Skipped("switched off".to_owned()));
        None
    }

    /// The stage cannot run.
    pub(super) fn missing<T>(&mut self, reason: &str, strict: bool) -> Result<Option<T>, PipelineError> {
        let stage = self.stage();
        if strict {
            return Err(PipelineError::ModelUnavailable { stage, cause: reason.to_owned() });
        }
        self.warn(format!("{} was skipped: {reason}", stage.name()));
        self.set(Ending::Skipped(reason.to_owned()));
        Ok(None)
    }

    /// The stage ran and failed.
    pub(super) fn failed<T>(&mut self, reason: &str, strict: bool) -> Result<Option<T>, PipelineError> {
        let stage = self.stage();
        if strict {
            return Err(PipelineError::StageFailed { stage, cause: reason.to_owned() });
        }
        self.warn(format!("{} failed: {reason}", stage.name()));
        self.set(Ending::Failed(reason.to_owned()));
        Ok(None)
    }

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

    pub(super) fn into_parts(self) -> (Vec<StageReport>, Vec<String>) {
        (self.done, self.warnings)
    }
}

/// The processor time of this process so far.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
