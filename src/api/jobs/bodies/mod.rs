//! The bodies of jobs: what handlers and commands answer with, and what the description says. Field names are the public
//! contract.

mod options;
pub(crate) mod page;
mod progress;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::format::{optional_time, tenths, time};
use crate::http::requester::Requester;
use crate::jobs::stage::Stage;
use crate::jobs::{Job, JobId, JobState};
use options::OptionsBody;
pub(crate) use page::{JobFields, JobsPage, PageMeta};
use progress::optional_stage_schema;
pub(crate) use progress::{ProgressBody, stage_schema};

/// A job: what it is, where it stands, and where to go on from here.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobBody {
    /// Names the job.
    pub job_id: Uuid,
    /// Where it stands.
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    /// How far it is.
    pub progress: ProgressBody,
    /// When it was accepted.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// When the last attempt was begun.
    #[serde(serialize_with = "optional_time")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, well or not.
    #[serde(serialize_with = "optional_time")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When it will probably be done, while it runs.
    #[serde(serialize_with = "optional_time")]
    pub estimated_completion: Option<DateTime<Utc>>,
    /// How long it was expected to take when it was accepted, in seconds, without the waiting.
    #[schema(minimum = 0)]
    pub estimated_duration: f64,
    /// The recording.
    pub file_info: FileInfoBody,
    /// What the client said about the call.
    pub metadata: Map<String, Value>,
    /// What the client asked for, as it was understood.
    pub options: OptionsBody,
    /// 1 (lowest) to 10.
    #[schema(minimum = 1, maximum = 10)]
    pub priority: u8,
    /// How often it was begun and not ended.
    pub attempts: u32,
    /// Why there is no result, when it failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<JobErrorBody>,
    /// When recording and result were removed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    #[schema(nullable = false)]
    pub archived_at: Option<DateTime<Utc>>,
    /// The number of its last event: what `last_seq` starts from.
    pub last_seq: u64,
    /// Where to ask how far it is.
    pub progress_url: String,
    /// Where the result will be.
    pub result_url: String,
    /// Where its events are told.
    pub events_url: String,
    /// Where the recording is.
    pub audio_url: String,
    /// Where its events are told over WebSocket.
    pub websocket_url: String,
}

/// The recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FileInfo)]
pub(crate) struct FileInfoBody {
    /// The name that the client gave it; a label only.
    pub filename: String,
    /// In bytes; 0 for an empty file that was dropped into `incoming/`.
    #[schema(minimum = 0)]
    pub size: u64,
    /// The container, found from the content; `unknown` for a dropped file that is no recording.
    pub format: String,
    /// The codec.
    pub codec: String,
    /// In seconds.
    #[schema(minimum = 0)]
    pub duration: f64,
    /// In Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// SHA-256 of the bytes, in lower-case hexadecimal; empty for a dropped file that is too large to be read.
    pub sha256: String,
}

/// Why a job has no result.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = JobError)]
pub(crate) struct JobErrorBody {
    /// Stable.
    #[schema(example = "PROCESSING_FAILED")]
    pub code: &'static str,
    /// For people, in their language.
    pub message: String,
    /// Where it happened, when it was in a stage.
    #[schema(schema_with = optional_stage_schema)]
    pub stage: Option<&'static str>,
}

/// The schema of a status.
pub(crate) fn status_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(JobState::NAMES.iter().copied()))
        .description(Some("Where the job stands"))
        .build()
}

impl JobBody {
    /// The names of all its fields.
    pub(crate) const FIELDS: [&str; 21] = [
        "job_id",
        "status",
        "progress",
        "created_at",
        "started_at",
        "completed_at",
        "estimated_completion",
        "estimated_duration",
        "file_info",
        "metadata",
        "options",
        "priority",
        "attempts",
        "error",
        "archived_at",
        "last_seq",
        "progress_url",
        "result_url",
        "events_url",
        "audio_url",
        "websocket_url",
    ];

    /// A job as this requester sees it.
    pub(crate) fn new(job: &Job, estimated_completion: Option<DateTime<Utc>>, requester: &Requester) -> Self {
        let url = format!("/api/v1/jobs/{}", job.id);
        Self {
            job_id: uuid(job.id),
            status: job.state.name(),
            progress: ProgressBody::new(&job.state, estimated_completion),
            created_at: job.created_at,
            started_at: job.state.started_at(),
            completed_at: job.state.finished_at(),
            estimated_completion,
            estimated_duration: tenths(job.estimated_seconds),
            file_info: FileInfoBody::new(job),
            metadata: job.metadata.clone(),
            options: OptionsBody::new(&job.options),
            priority: job.priority,
            attempts: job.attempts,
            error: JobErrorBody::new(&job.state, requester),
            archived_at: if let JobState::Archived { archived_at, .. } = &job.state { Some(*archived_at) } else { None },
            last_seq: job.last_event,
            result_url: format!("{url}/result"),
            events_url: format!("{url}/events"),
            audio_url: format!("{url}/audio"),
            websocket_url: format!("/ws/{}", job.id),
            progress_url: url,
        }
    }

    /// A job as it was when it was accepted: the first answer, given again.
    pub(crate) fn as_accepted(job: &Job, requester: &Requester) -> Self {
        let accepted = Job { state: JobState::Queued, attempts: 0, last_event: 1, ..job.clone() };
        Self::new(&accepted, None, requester)
    }
}

/// The name of a job as the published type.
pub(crate) fn uuid(id: JobId) -> Uuid {
    id.into()
}

impl FileInfoBody {
    fn new(job: &Job) -> Self {
        let source = &job.file.source;
        Self {
            filename: job.file.filename.clone(),
            size: job.file.size_bytes,
            format: source.format.name().to_owned(),
            codec: source.codec.clone(),
            duration: source.duration.as_seconds(),
            sample_rate: source.sample_rate,
            channels: source.channels,
            sha256: job.file.sha256.clone(),
        }
    }
}

impl JobErrorBody {
    /// Why a job in this state has no result; none if it has one, or may still get one.
    pub(crate) fn new(state: &JobState, requester: &Requester) -> Option<Self> {
        match state {
            JobState::Failed { failure, .. } => Some(Self {
                code: failure.code.name(),
                message: requester.failure_message(failure),
                stage: failure.stage.map(Stage::name),
            }),
            JobState::Cancelled { progress, .. } => Some(Self {
                code: "JOB_CANCELLED",
                message: requester.cancelled_message(),
                stage: progress.map(|progress| progress.stage.name()),
            }),
            JobState::Queued | JobState::Processing { .. } | JobState::Completed { .. } | JobState::Archived { .. } => None,
        }
    }
}
