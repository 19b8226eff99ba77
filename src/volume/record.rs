//! `job.json` and `error.json`: a job as it stands on the volume.
//!
//! The state is not in the file: it is the folder that the job lies in. Times of the states are, once they are known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jobs::options::{ChannelMode, JobOptions, SpeakerRange};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode, FileInfo, Job, JobState};

/// The file that makes a folder a job.
pub(super) const JOB_FILE: &str = "job.json";
/// The annotation.
pub(super) const RESULT_FILE: &str = "result.json";
/// Why there is none.
pub(super) const ERROR_FILE: &str = "error.json";

/// The recording's name in its folder; the client's own name is only a label.
pub(super) fn recording_name(format: &str) -> String {
    format!("recording.{format}")
}

#[derive(Serialize, Deserialize)]
struct JobFile {
    job_id: String,
    file: FileFile,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    options: OptionsFile,
    priority: u8,
    created_at: DateTime<Utc>,
    sequence: u64,
    #[serde(default)]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorFile>,
}

#[derive(Serialize, Deserialize)]
struct FileFile {
    filename: String,
    size_bytes: u64,
    format: String,
    codec: String,
    sample_rate: u32,
    channels: u16,
    duration_seconds: f64,
    sha256: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct OptionsFile {
    language: Option<String>,
    translate: bool,
    prompt: Option<String>,
    hotwords: Vec<String>,
    speakers: Option<(usize, usize)>,
    channels: Option<String>,
    channel_roles: Vec<String>,
    omit_words: bool,
    diarize: Option<bool>,
    recognize: Option<bool>,
    lookup_contacts: Option<bool>,
    strict: bool,
}

#[derive(Serialize, Deserialize)]
struct ErrorFile {
    code: String,
    message: String,
    stage: Option<String>,
}

/// A job as the bytes of `job.json`.
pub(super) fn encode(job: &Job) -> Vec<u8> {
    let (started_at, finished_at, error) = match &job.state {
        JobState::Queued => (None, None, None),
        JobState::Processing { started_at, .. } => (Some(*started_at), None, None),
        JobState::Completed { started_at, finished_at } => (Some(*started_at), Some(*finished_at), None),
        JobState::Failed { started_at, finished_at, failure, .. } => (*started_at, Some(*finished_at), Some(error_file(failure))),
    };
    let file = JobFile {
        job_id: job.id.to_string(),
        file: FileFile {
            filename: job.file.filename.clone(),
            size_bytes: job.file.size_bytes,
            format: job.file.format.clone(),
            codec: job.file.codec.clone(),
            sample_rate: job.file.sample_rate,
            channels: job.file.channels,
            duration_seconds: job.file.duration_seconds,
            sha256: job.file.sha256.clone(),
        },
        metadata: job.metadata.clone(),
        options: options_file(&job.options),
        priority: job.priority,
        created_at: job.created_at,
        sequence: job.sequence,
        attempts: job.attempts,
        started_at,
        finished_at,
        error,
    };
    to_json(&file)
}

/// A failure as the bytes of `error.json`.
pub(super) fn encode_error(failure: &Failure) -> Vec<u8> {
    to_json(&error_file(failure))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("a record has string keys and finite numbers, so it is always JSON")
}

/// A job from the bytes of `job.json`, and the state that its times and error tell of.
pub(super) fn decode(bytes: &[u8]) -> Result<Job, String> {
    let file: JobFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let state = match (file.error, file.started_at, file.finished_at) {
        (Some(error), started_at, Some(finished_at)) => {
            JobState::Failed { started_at, finished_at, failure: failure(error), progress: None }
        }
        (None, Some(started_at), Some(finished_at)) => JobState::Completed { started_at, finished_at },
        _ => JobState::Queued,
    };
    Ok(Job {
        id: file.job_id.parse().map_err(|_| "job_id is not a UUID".to_owned())?,
        file: FileInfo {
            filename: file.file.filename,
            size_bytes: file.file.size_bytes,
            format: file.file.format,
            codec: file.file.codec,
            sample_rate: file.file.sample_rate,
            channels: file.file.channels,
            duration_seconds: file.file.duration_seconds,
            sha256: file.file.sha256,
        },
        metadata: file.metadata,
        options: options(file.options),
        priority: file.priority,
        created_at: file.created_at,
        sequence: file.sequence,
        attempts: file.attempts,
        state,
    })
}

fn error_file(failure: &Failure) -> ErrorFile {
    ErrorFile {
        code: failure.code.name().to_owned(),
        message: failure.message.clone(),
        stage: failure.stage.map(|stage| stage.name().to_owned()),
    }
}

fn failure(error: ErrorFile) -> Failure {
    Failure {
        code: FailureCode::from_name(&error.code).unwrap_or(FailureCode::InternalError),
        message: error.message,
        stage: error.stage.and_then(|name| Stage::ALL.into_iter().find(|stage| stage.name() == name)),
    }
}

fn options_file(options: &JobOptions) -> OptionsFile {
    OptionsFile {
        language: options.language.clone(),
        translate: options.translate,
        prompt: options.prompt.clone(),
        hotwords: options.hotwords.clone(),
        speakers: options.speakers.map(|range| (range.min, range.max)),
        channels: Some(
            match options.channels {
                ChannelMode::Auto => "auto",
                ChannelMode::Mix => "mix",
                ChannelMode::Split => "split",
            }
            .to_owned(),
        ),
        channel_roles: options.channel_roles.clone(),
        omit_words: options.omit_words,
        diarize: options.diarize,
        recognize: options.recognize,
        lookup_contacts: options.lookup_contacts,
        strict: options.strict,
    }
}

fn options(file: OptionsFile) -> JobOptions {
    JobOptions {
        language: file.language,
        translate: file.translate,
        prompt: file.prompt,
        hotwords: file.hotwords,
        speakers: file.speakers.filter(|(min, max)| 1 <= *min && min <= max).map(|(min, max)| SpeakerRange { min, max }),
        channels: match file.channels.as_deref() {
            Some("mix") => ChannelMode::Mix,
            Some("split") => ChannelMode::Split,
            _ => ChannelMode::Auto,
        },
        channel_roles: file.channel_roles,
        omit_words: file.omit_words,
        diarize: file.diarize,
        recognize: file.recognize,
        lookup_contacts: file.lookup_contacts,
        strict: file.strict,
    }
}
