//! The published progress of a job.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::format::optional_time;
use crate::jobs::JobState;
use crate::jobs::progress::Progress;
use crate::jobs::stage::Stage;

/// The progress of a job. The percentage never decreases within one attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressBody {
    /// The completed share of the whole job, in percent.
    #[schema(minimum = 0, maximum = 100)]
    pub percentage: u8,
    /// The stage that is running, or in which the job ended; null while it waits.
    #[schema(schema_with = optional_stage_schema)]
    pub current_stage: Option<&'static str>,
    /// The completed share of the current stage, in percent.
    #[schema(minimum = 0, maximum = 100)]
    pub stage_progress: u8,
    /// The names of the stages that are completed, in order.
    pub stages_completed: Vec<&'static str>,
    /// The names of the stages that follow the current one, in order.
    pub stages_remaining: Vec<&'static str>,
    /// When the job is expected to be completed; present while it is running.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    #[schema(nullable = false)]
    pub estimated_completion: Option<DateTime<Utc>>,
}

impl ProgressBody {
    /// The progress of a job in this state.
    pub(crate) fn new(state: &JobState, estimated_completion: Option<DateTime<Utc>>) -> Self {
        let all = || Stage::all().map(Stage::name).collect::<Vec<_>>();
        let at = |progress: Progress, current: Option<Stage>| Self {
            percentage: progress.percent,
            current_stage: current.map(Stage::name),
            stage_progress: progress.stage_percent,
            stages_completed: progress.completed().map(Stage::name).collect(),
            stages_remaining: progress.remaining().map(Stage::name).collect(),
            estimated_completion,
        };
        match state {
            JobState::Queued => Self {
                percentage: 0,
                current_stage: None,
                stage_progress: 0,
                stages_completed: Vec::new(),
                stages_remaining: all(),
                estimated_completion,
            },
            JobState::Processing { progress, .. } => at(*progress, Some(progress.stage)),
            JobState::Completed { .. } | JobState::Archived { .. } => Self {
                percentage: 100,
                current_stage: Some(Stage::Annotation.name()),
                stage_progress: 100,
                stages_completed: all(),
                stages_remaining: Vec::new(),
                estimated_completion: None,
            },
            // The progress when it ended; after a restart only the stage is known.
            JobState::Failed { failure, progress, .. } => {
                at(progress.unwrap_or_else(|| Progress::at(failure.stage.unwrap_or(Stage::Validation))), failure.stage)
            }
            JobState::Cancelled { progress, .. } => {
                at(progress.unwrap_or(Progress::START), progress.map(|progress| progress.stage))
            }
        }
    }
}

/// The schema of a stage's name, or null.
pub(crate) fn optional_stage_schema() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{SchemaType, Type};
    let names = Stage::all().map(|stage| Value::from(stage.name())).chain([Value::Null]);
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(names))
        .description(Some("A stage of the work"))
        .build()
}

/// The schema of a stage's name.
pub(crate) fn stage_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(Stage::all().map(Stage::name)))
        .description(Some("A stage of the work"))
        .build()
}
