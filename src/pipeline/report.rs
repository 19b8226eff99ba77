//! How each stage went, as it is published.

use std::time::Instant;

use super::PipelineError;
use crate::annotate::document::{PublishedModel, StageReport, StageStatus};
use crate::jobs::stage::Stage;
use crate::models::ModelInfo;

/// The reports of one run.
#[derive(Default)]
pub(super) struct Reports {
    done: Vec<StageReport>,
    warnings: Vec<String>,
    open: Option<(Stage, Instant, Ending)>,
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
        self.open = Some((stage, Instant::now(), Ending::default()));
    }

    /// Closes the report of the stage that was begun.
    pub(super) fn end(&mut self) {
        let Some((stage, began, ending)) = self.open.take() else { return };
        let seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let (status, reason, model) = match ending {
            Ending::Completed(model) => (StageStatus::Completed, None, model),
            Ending::Skipped(reason) => (StageStatus::Skipped, Some(reason), None),
            Ending::Failed(reason) => (StageStatus::Failed, Some(reason), None),
            Ending::Unknown => (StageStatus::Failed, Some("the stage did not say how it ended".to_owned()), None),
        };
        self.done.push(StageReport { stage, status, reason, model, seconds });
    }

    fn set(&mut self, ending: Ending) {
        if let Some((_, _, open)) = &mut self.open {
            *open = ending;
        }
    }

    fn stage(&self) -> Stage {
        self.open.as_ref().map_or(Stage::Validation, |(stage, ..)| *stage)
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
