//! How the stages went, as published.

use serde::Serialize;
use utoipa::ToSchema;

use crate::capabilities::ModelInfo;
use crate::jobs::stage::Stage;

/// How a stage went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageStatus {
    /// As it should.
    Completed,
    /// It was not asked for, or could not run.
    Skipped,
    /// It ran and failed; the rest of the result stands.
    Failed,
}

/// How a stage went, in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StageReport)]
pub struct StageReport {
    /// Which.
    #[serde(skip)]
    #[schema(ignore)]
    pub stage: Stage,
    /// In a word.
    pub status: StageStatus,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// What it ran with.
    pub model: Option<PublishedModel>,
    /// How long it took.
    pub seconds: f64,
    /// Processor time that the whole process used meanwhile.
    pub cpu_seconds: f64,
}

/// A model as published.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Model)]
pub struct PublishedModel {
    name: String,
    framework: &'static str,
    device: &'static str,
    license: Option<&'static str>,
}

impl From<&ModelInfo> for PublishedModel {
    fn from(model: &ModelInfo) -> Self {
        Self { name: model.name.clone(), framework: model.framework, device: model.device, license: model.license }
    }
}
