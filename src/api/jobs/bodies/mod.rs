//! The bodies of jobs, with which handlers and commands answer, and their schemas in the OpenAPI document. Field names are
//! the public contract.

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

/// A job: its recording, options, state and progress, and the addresses of everything that belongs to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobBody {
    /// The id of the job, a UUID.
    pub job_id: Uuid,
    /// The status of the job.
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    /// The progress of the job.
    pub progress: ProgressBody,
    /// When the recording was accepted and the job was created.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// When the current or last attempt was started; null while the job waits, and if it was never started.
    #[serde(serialize_with = "optional_time")]
    pub started_at: Option<DateTime<Utc>>,
    /// When the job ended: completed, failed or cancelled; null before.
    #[serde(serialize_with = "optional_time")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When the job is expected to be completed; null unless it is running.
    #[serde(serialize_with = "optional_time")]
    pub estimated_completion: Option<DateTime<Utc>>,
    /// The processing time estimated when the job was accepted, in seconds, without the time in the queue.
    #[schema(minimum = 0)]
    pub estimated_duration: f64,
    /// Properties of the recording's file.
    pub file_info: FileInfoBody,
    /// The metadata that the client sent with the recording, returned unchanged.
    pub metadata: Map<String, Value>,
    /// The options of the job as the server understood them; null means that the settings decide.
    pub options: OptionsBody,
    /// The priority in the queue, from 1 (lowest) to 10.
    #[schema(minimum = 1, maximum = 10)]
    pub priority: u8,
    /// The number of attempts that were started. An attempt that was put back into the queue is not counted, and a retry starts
    /// again at 0.
    pub attempts: u32,
    /// Why the job has no result; present if it failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<JobErrorBody>,
    /// When retention removed the recording and the result; present if the job is archived.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    #[schema(nullable = false)]
    pub archived_at: Option<DateTime<Utc>>,
    /// The number of the job's last event: pass it as `last_seq` to wait for later ones.
    pub last_seq: u64,
    /// The address of this job, relative to the server's root.
    pub progress_url: String,
    /// The address of the result, available once the job is completed.
    pub result_url: String,
    /// The address of the job's events, as a stream or a list.
    pub events_url: String,
    /// The address of the recording as it was sent.
    pub audio_url: String,
    /// The address of the WebSocket that follows this job's events.
    pub websocket_url: String,
}

/// Properties of the recording's file.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FileInfo)]
pub(crate) struct FileInfoBody {
    /// The file name that the client gave, kept as a label.
    pub filename: String,
    /// Size of the file in bytes; 0 for an empty file that was dropped into `incoming/`.
    #[schema(minimum = 0)]
    pub size: u64,
    /// The container format, detected from the content, for example `wav`; `unknown` for a dropped file that is no recording.
    pub format: String,
    /// The codec of the audio, for example `pcm_s16le`.
    pub codec: String,
    /// Duration of the recording in seconds.
    #[schema(minimum = 0)]
    pub duration: f64,
    /// The sample rate of the audio in Hz, for example 8000.
    pub sample_rate: u32,
    /// The number of audio channels.
    pub channels: u16,
    /// SHA-256 of the bytes, in lower-case hexadecimal; empty for a dropped file that is too large to be read.
    pub sha256: String,
}

/// Why a job has no result.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = JobError)]
pub(crate) struct JobErrorBody {
    /// A stable code for programs, for example `PROCESSING_FAILED` or `JOB_CANCELLED`; see `/docs/errors`.
    #[schema(example = "PROCESSING_FAILED")]
    pub code: &'static str,
    /// A message for people, in the language of the request.
    pub message: String,
    /// The stage in which the job failed or was cancelled; null if it was in none.
    #[schema(schema_with = optional_stage_schema)]
    pub stage: Option<&'static str>,
}

/// The schema of a job's status.
pub(crate) fn status_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(JobState::NAMES.iter().copied()))
        .description(Some("Where the job stands"))
        .build()
}

impl JobBody {
    /// The names of all fields, in order.
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

    /// A job as it was when it was accepted, so that a repeated request gets the first answer again.
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
    /// Why a job in this state has no result; none if it has one or may still get one.
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
