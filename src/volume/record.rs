//! `job.json` and `error.json`: a job as it stands on the volume.
//!
//! The state is not in the file: it is the folder that the job lies in. The file holds the times of the states that were reached.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::origin::Origin;
use super::place::Place;
use crate::access::KeyId;
use crate::clock;
use crate::jobs::options::JobOptions;
use crate::jobs::progress::Progress;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode, FileInfo, Idempotency, Job, JobState};
use crate::media::{Format, Millis, SourceInfo};

/// The file that makes a folder a job.
pub(super) const JOB_FILE: &str = "job.json";
/// The annotation of a completed job.
pub(super) const RESULT_FILE: &str = "result.json";
/// The sidecar of a recording that was taken from `incoming/`.
pub(super) const SIDECAR_FILE: &str = "sidecar.json";
/// The error of a job without a result.
pub(super) const ERROR_FILE: &str = "error.json";

/// The checkpoints of a running job.
pub(super) const CHECKPOINT_FILE: &str = "checkpoints.log";

/// The largest record that is read, in bytes: metadata of the largest size, indented at the greatest depth, take a quarter of it.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The largest result that is read, in bytes: a day of speech on each of four channels.
pub(super) const MAX_RESULT_BYTES: u64 = 256 * 1024 * 1024;

/// Greater numbers than a server reaches: a record with one of them was not written by it, and would make the next overflow.
const MAX_NUMBER: u64 = 1 << 53;
/// The longest duration and estimate of a record, in seconds: thirty years.
const MAX_SECONDS: f64 = 1e9;

/// The code in the error file of a job that a client cancelled.
const CANCELLED: &str = "JOB_CANCELLED";

/// The recording's name in its folder; the client's own name is only a label.
pub(super) fn recording_name(format: Format) -> String {
    format!("recording.{}", format.name())
}

#[derive(Serialize, Deserialize)]
struct JobFile {
    job_id: String,
    file: FileFile,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    options: Map<String, Value>,
    priority: u8,
    created_at: DateTime<Utc>,
    sequence: u64,
    #[serde(default)]
    arrival: Option<u64>,
    #[serde(default)]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency: Option<IdempotencyFile>,
    #[serde(default)]
    estimated_seconds: f64,
    /// The greatest event number that may have been used.
    #[serde(default)]
    last_event: u64,
    /// The place in `incoming/` that the recording was taken from, with every byte of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_from: Option<String>,
    /// The same for the sidecar beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sidecar_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorFile>,
}

#[derive(Serialize, Deserialize)]
struct IdempotencyFile {
    key: String,
    fingerprint: String,
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

#[derive(Serialize, Deserialize)]
struct ErrorFile {
    code: String,
    message: String,
    stage: Option<String>,
    /// In `error.json` alone: which recording it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
}

/// A job as the bytes of `job.json`.
pub(super) fn encode(job: &Job) -> Vec<u8> {
    encode_from(job, None)
}

/// The same, for a recording that was taken from these places in `incoming/`.
pub(super) fn encode_taken(job: &Job, origin: &Origin) -> Vec<u8> {
    encode_from(job, Some(origin))
}

fn encode_from(job: &Job, origin: Option<&Origin>) -> Vec<u8> {
    let error = match &job.state {
        JobState::Failed { failure, .. } => Some(error_file(failure)),
        JobState::Cancelled { progress, .. } => Some(cancelled_file(progress.map(|progress| progress.stage))),
        JobState::Queued | JobState::Processing { .. } | JobState::Completed { .. } | JobState::Archived { .. } => None,
    };
    let archived_at = if let JobState::Archived { archived_at, .. } = &job.state { Some(*archived_at) } else { None };
    let source = &job.file.source;
    let file = JobFile {
        job_id: job.id.to_string(),
        file: FileFile {
            filename: job.file.filename.clone(),
            size_bytes: job.file.size_bytes,
            format: source.format.name().to_owned(),
            codec: source.codec.clone(),
            sample_rate: source.sample_rate,
            channels: source.channels,
            duration_seconds: source.duration.as_seconds(),
            sha256: job.file.sha256.clone(),
        },
        metadata: job.metadata.clone(),
        options: job.options.record(),
        priority: job.priority,
        created_at: job.created_at,
        sequence: job.sequence,
        arrival: Some(job.arrival),
        attempts: job.attempts,
        owner: job.owner.as_ref().map(|owner| owner.as_str().to_owned()),
        idempotency: job
            .idempotency
            .as_ref()
            .map(|named| IdempotencyFile { key: named.key.clone(), fingerprint: named.fingerprint.clone() }),
        estimated_seconds: job.estimated_seconds,
        last_event: job.last_event,
        taken_from: origin.map(|origin| origin.recording.encode()),
        sidecar_from: origin.and_then(|origin| origin.sidecar.as_ref()).map(Place::encode),
        started_at: job.state.started_at(),
        finished_at: job.state.finished_at(),
        archived_at,
        error,
    };
    to_json(&file)
}

/// Why a job has no result, as the bytes of `error.json`; none if it has one.
pub(super) fn encode_error(job: &Job) -> Option<Vec<u8>> {
    let error = match &job.state {
        JobState::Failed { failure, .. } => error_file(failure),
        JobState::Cancelled { progress, .. } => cancelled_file(progress.map(|progress| progress.stage)),
        JobState::Queued | JobState::Processing { .. } | JobState::Completed { .. } | JobState::Archived { .. } => return None,
    };
    Some(to_json(&ErrorFile { filename: Some(job.file.filename.clone()), ..error }))
}

/// The places in `incoming/` that a job was taken from, by the bytes of its `job.json`.
pub(super) fn origin(bytes: &[u8]) -> Option<Origin> {
    let file = serde_json::from_slice::<JobFile>(bytes).ok()?;
    let recording = Place::decode(&file.taken_from?)?;
    Some(Origin { recording, sidecar: file.sidecar_from.as_deref().and_then(Place::decode) })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("a record has string keys and finite numbers, so it is always JSON")
}

/// A job from the bytes of `job.json`, in the state that follows from its times and error.
pub(super) fn decode(bytes: &[u8]) -> Result<Job, String> {
    let mut file: JobFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    check_numbers(&file)?;
    // The machine's clock may have been wrong when they were written.
    file.created_at = clock::bounded(file.created_at);
    for time in [&mut file.started_at, &mut file.finished_at, &mut file.archived_at] {
        *time = time.map(clock::bounded);
    }
    let state = match (file.error, file.started_at, file.finished_at) {
        (_, started_at, Some(finished_at)) if file.archived_at.is_some() => {
            JobState::Archived { started_at, finished_at, archived_at: file.archived_at.unwrap_or(finished_at) }
        }
        (Some(error), started_at, Some(finished_at)) if error.code == CANCELLED => {
            JobState::Cancelled { started_at, finished_at, progress: stage_named(error.stage).map(Progress::at) }
        }
        (Some(error), started_at, Some(finished_at)) => {
            JobState::Failed { started_at, finished_at, failure: failure(error), progress: None }
        }
        (None, Some(started_at), Some(finished_at)) => JobState::Completed { started_at, finished_at },
        _ => JobState::Queued,
    };
    let FileFile { format, codec, sample_rate, channels, duration_seconds, .. } = file.file;
    let format = Format::from_name(&format).ok_or_else(|| format!("the format {format} is not known"))?;
    let source = SourceInfo::from_record(format, codec, sample_rate, channels, Millis::from_seconds(duration_seconds));
    Ok(Job {
        id: file.job_id.parse().map_err(|_| "job_id is not a UUID".to_owned())?,
        file: FileInfo { filename: file.file.filename, size_bytes: file.file.size_bytes, source, sha256: file.file.sha256 },
        metadata: file.metadata,
        options: JobOptions::from_record(&file.options)?,
        priority: file.priority,
        created_at: file.created_at,
        sequence: file.sequence,
        arrival: file.arrival.unwrap_or(file.sequence),
        attempts: file.attempts,
        owner: file.owner.map(KeyId::new),
        idempotency: file.idempotency.map(|named| Idempotency { key: named.key, fingerprint: named.fingerprint }),
        estimated_seconds: file.estimated_seconds,
        last_event: file.last_event,
        state,
    })
}

fn check_numbers(file: &JobFile) -> Result<(), String> {
    let numbers = [file.sequence, file.arrival.unwrap_or_default(), file.last_event, file.file.size_bytes, file.attempts.into()];
    let seconds = [file.estimated_seconds, file.file.duration_seconds];
    let is_possible = numbers.iter().all(|number| *number < MAX_NUMBER)
        && file.attempts < u32::MAX
        && seconds.iter().all(|seconds| (0.0..=MAX_SECONDS).contains(seconds));
    if is_possible { Ok(()) } else { Err("it holds a number that no server writes".to_owned()) }
}

fn error_file(failure: &Failure) -> ErrorFile {
    ErrorFile {
        code: failure.code.name().to_owned(),
        message: failure.message.clone(),
        stage: failure.stage.map(|stage| stage.name().to_owned()),
        filename: None,
    }
}

fn failure(error: ErrorFile) -> Failure {
    Failure {
        code: FailureCode::from_name(&error.code).unwrap_or(FailureCode::InternalError),
        message: error.message,
        stage: stage_named(error.stage),
    }
}

fn stage_named(name: Option<String>) -> Option<Stage> {
    name.and_then(|name| Stage::from_name(&name))
}

fn cancelled_file(stage: Option<Stage>) -> ErrorFile {
    ErrorFile {
        code: CANCELLED.to_owned(),
        message: "The job was cancelled".to_owned(),
        stage: stage.map(|stage| stage.name().to_owned()),
        filename: None,
    }
}
