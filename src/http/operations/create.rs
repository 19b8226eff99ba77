//! A recording becomes a job: the last checks, its place on the volume, its place in the queue. A request that was made before
//! under the same name makes no second job.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::info;

use super::admission::Admission;
use crate::access::KeyId;
use crate::audio::{SourceInfo, decode};
use crate::http::asker::Asker;
use crate::http::error::ApiError;
use crate::http::fields::{self, DEFAULT_PRIORITY, Metadata, Source};
use crate::http::state::AppState;
use crate::jobs::options::JobOptions;
use crate::jobs::stage::Stage;
use crate::jobs::{FileInfo, Idempotency, Job, JobId, JobState};
use crate::volume::{Arrival, Spool, hexadecimal};

/// What a client wants of a recording, understood.
#[derive(Debug)]
pub(in crate::http) struct Wishes {
    metadata: Metadata,
    options: JobOptions,
    /// Both, as they were sent: the same wish twice has the same text.
    text: String,
}

/// A job that was made.
#[derive(Debug)]
pub(in crate::http) enum Created {
    /// By this request.
    Now(Arc<Job>),
    /// By an earlier one of the same name.
    Before(Arc<Job>),
}

/// A recording, on its way to its place.
enum Recording {
    Spooled(Box<Spool>),
    Arrived(Arrival),
}

/// Checks what a client wants; all that is wrong with it is told at once.
pub(in crate::http) fn understand(metadata: Source<'_>, options: Source<'_>) -> Result<Wishes, ApiError> {
    let text = json!([metadata.canonical(), options.canonical()]).to_string();
    match (fields::metadata(metadata), fields::options(options)) {
        (Ok(metadata), Ok(options)) => Ok(Wishes { metadata, options, text }),
        (Err(mut checks), options) => {
            checks.extend(options.err().unwrap_or_default());
            Err(ApiError::InvalidMetadata(checks))
        }
        (Ok(_), Err(checks)) => Err(ApiError::InvalidOptions(checks)),
    }
}

/// Makes a job of a recording that has arrived whole.
pub(in crate::http) async fn from_spool(
    state: &AppState,
    asker: &Asker,
    admission: Admission,
    spool: Spool,
    filename: String,
    wishes: Wishes,
) -> Result<Created, ApiError> {
    if spool.written() == 0 {
        return Err(ApiError::AudioEmpty);
    }
    let idempotency = admission
        .key
        .clone()
        .map(|key| Idempotency { key, fingerprint: fingerprint(&json!(["sent", filename, spool.sha256()]), &wishes) });
    // Repeated, it gets the first answer, whatever has changed here since.
    if let Some(made) = made_before(state, asker.caller.key(), idempotency.as_ref()) {
        return made;
    }
    can_be_kept_to(state, &wishes.options)?;
    let source = probe(state, spool.path()).await?;
    let file = file_info(filename, spool.written(), spool.sha256(), &source);
    let job = draft(state, asker, Draft { id: spool.id(), file, wishes, idempotency });
    place(state, admission, job, Recording::Spooled(Box::new(spool))).await
}

/// Makes a job of a file that lies in `incoming/`.
pub(in crate::http) async fn from_arrival(
    state: &AppState,
    asker: &Asker,
    admission: Admission,
    name: &str,
    wishes: Wishes,
) -> Result<Created, ApiError> {
    let idempotency =
        admission.key.clone().map(|key| Idempotency { key, fingerprint: fingerprint(&json!(["taken", name]), &wishes) });
    // Repeated, the file is not there any more: the first request took it.
    if let Some(made) = made_before(state, asker.caller.key(), idempotency.as_ref()) {
        return made;
    }
    let wanted = idempotency.clone();
    let refusal = match arrived(state, asker, admission, name, wishes, idempotency).await {
        Ok(created) => return Ok(created),
        Err(refusal) => refusal,
    };
    // Another request may have taken the file meanwhile; if it was this one under the same name, its answer is this one's too.
    if let Some(idempotency) = &wanted {
        let _settled = state.changes.hold((asker.caller.key(), &idempotency.key)).await;
        if let Some(made) = made_before(state, asker.caller.key(), Some(idempotency)) {
            return made;
        }
    }
    let is_gone = matches!(state.volume.find_arrival(name), Ok(None));
    Err(if is_gone { ApiError::FileNotFound } else { refusal })
}

/// Checks a file in `incoming/` and makes a job of it.
async fn arrived(
    state: &AppState,
    asker: &Asker,
    admission: Admission,
    name: &str,
    wishes: Wishes,
    idempotency: Option<Idempotency>,
) -> Result<Created, ApiError> {
    can_be_kept_to(state, &wishes.options)?;
    let found = state.volume.find_arrival(name).map_err(|error| ApiError::from_io("looking for a file", &error))?;
    let arrival = found.ok_or(ApiError::FileNotFound)?;
    let limit = state.max_file_bytes;
    if arrival.size() > limit {
        return Err(ApiError::FileTooLarge { size: Some(arrival.size()), limit });
    }
    if arrival.size() == 0 {
        return Err(ApiError::AudioEmpty);
    }
    let source = probe(state, arrival.path().to_path_buf()).await?;
    let hashed = arrival.clone();
    let sha256 = tokio::task::spawn_blocking(move || hashed.sha256()).await;
    let sha256 = sha256
        .map_err(|error| ApiError::Internal(format!("reading a file: {error}")))?
        .map_err(|error| ApiError::from_io("reading a file", &error))?;
    let filename = fields::file_label(Some(arrival.name()));
    let file = file_info(filename, arrival.size(), sha256, &source);
    let job = draft(state, asker, Draft { id: JobId::random(), file, wishes, idempotency });
    place(state, admission, job, Recording::Arrived(arrival)).await
}

impl Wishes {
    /// Whether they can be fulfilled, as far as is known before the recording is there. A request that was made before is
    /// not asked: it gets its first answer.
    pub(in crate::http) fn check(&self, state: &AppState, admission: &Admission) -> Result<(), ApiError> {
        if admission.reservation.is_some() { can_be_kept_to(state, &self.options) } else { Ok(()) }
    }
}

/// A strict job that is known beforehand to fail is not taken in.
fn can_be_kept_to(state: &AppState, options: &JobOptions) -> Result<(), ApiError> {
    if !options.strict {
        return Ok(());
    }
    let is_wanted = |stage: Stage| match stage {
        Stage::Diarization => options.diarize != Some(false),
        Stage::Recognition => options.recognize != Some(false) && options.diarize != Some(false),
        Stage::CarddavLookup => options.lookup_contacts == Some(true),
        Stage::Validation | Stage::Preprocessing | Stage::Transcription | Stage::Annotation => true,
    };
    let mut missing = state.engine.stages().iter().filter(|info| is_wanted(info.stage));
    match missing.find_map(|info| info.missing.as_ref().map(|reason| (info.stage, reason))) {
        Some((stage, reason)) => Err(ApiError::ModelUnavailable { stage, reason: reason.clone() }),
        None => Ok(()),
    }
}

/// Examines a recording on a thread of its own, a few at a time.
async fn probe(state: &AppState, path: std::path::PathBuf) -> Result<SourceInfo, ApiError> {
    let _permit = state.probes().acquire().await.map_err(|_| ApiError::ShuttingDown)?;
    let limits = state.decode_limits;
    let probed = tokio::task::spawn_blocking(move || decode::probe(&path, &limits)).await;
    Ok(probed.map_err(|error| ApiError::Internal(format!("probing a recording: {error}")))??)
}

fn file_info(filename: String, size_bytes: u64, sha256: String, source: &SourceInfo) -> FileInfo {
    FileInfo {
        filename,
        size_bytes,
        format: source.format.to_owned(),
        codec: source.codec.clone(),
        sample_rate: source.sample_rate,
        channels: source.channels,
        duration_seconds: source.duration.as_seconds(),
        sha256,
    }
}

/// What a new job is made of.
struct Draft {
    id: JobId,
    file: FileInfo,
    wishes: Wishes,
    idempotency: Option<Idempotency>,
}

fn draft(state: &AppState, asker: &Asker, Draft { id, file, wishes, idempotency }: Draft) -> Job {
    let sequence = state.registry.next_sequence();
    let estimated_seconds = state.registry.estimated_seconds(&file, &wishes.options);
    Job {
        id,
        file,
        priority: wishes.metadata.priority.unwrap_or(DEFAULT_PRIORITY),
        metadata: wishes.metadata.fields,
        options: wishes.options,
        created_at: state.clock.now(),
        sequence,
        arrival: sequence,
        attempts: 0,
        owner: asker.caller.key().cloned(),
        idempotency,
        estimated_seconds,
        last_event: 1,
        state: JobState::Queued,
    }
}

/// Moves the recording into place and queues its job. On a task of its own: a client that goes away can no longer come
/// between the two.
async fn place(state: &AppState, admission: Admission, job: Job, recording: Recording) -> Result<Created, ApiError> {
    let guard = match &job.idempotency {
        Some(idempotency) => Some(state.changes.hold((job.owner.as_ref(), &idempotency.key)).await),
        None => None,
    };
    if let Some(made) = made_before(state, job.owner.as_ref(), job.idempotency.as_ref()) {
        return made;
    }
    let reservation = match admission.reservation {
        Some(reservation) => reservation,
        None => state.registry.reserve()?,
    };
    let task = state.clone();
    let span = tracing::Span::current();
    let placed = state.tasks.spawn_blocking(move || {
        let _in_request = span.entered();
        let _held = guard;
        match &recording {
            Recording::Spooled(spool) => task.volume.accept(spool, &job)?,
            Recording::Arrived(arrival) => task.volume.take(arrival, &job).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    ApiError::FileNotFound
                } else if error.kind() == io::ErrorKind::ResourceBusy {
                    ApiError::InvalidRequest("the file is still being written".to_owned())
                } else {
                    ApiError::from_io("taking a file", &error)
                }
            })?,
        }
        info!(event = "job_accepted", job_id = %job.id, size = job.file.size_bytes, format = job.file.format, "Accepted a recording");
        Ok::<_, ApiError>(Created::Now(task.registry.submit(reservation, job)))
    });
    placed.await.map_err(|error| ApiError::Internal(format!("accepting a recording: {error}")))?
}

/// What an earlier request of the same name led to: its job when it was the same request, else a refusal. None if there was
/// no such request.
fn made_before(state: &AppState, owner: Option<&KeyId>, request: Option<&Idempotency>) -> Option<Result<Created, ApiError>> {
    let made = state.registry.find_by_key(owner, &request?.key)?;
    let is_same = made.idempotency.as_ref() == request;
    Some(if is_same { Ok(Created::Before(made)) } else { Err(ApiError::IdempotencyKeyReused) })
}

/// SHA-256 of a request, in lower-case hexadecimal.
fn fingerprint(recording: &Value, wishes: &Wishes) -> String {
    let mut digest = Sha256::new();
    digest.update(recording.to_string());
    digest.update(&wishes.text);
    hexadecimal(&digest.finalize())
}
