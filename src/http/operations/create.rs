//! A recording becomes a job: the last checks, its place on the volume, its place in the queue. A request that was made before
//! under the same name makes no second job.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::info;

use super::admission::Admission;
use crate::access::KeyId;
use crate::api::state::AppState;
use crate::audio::headerless::Headerless;
use crate::audio::{SourceInfo, decode};
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::intake::fields::{self, Metadata, Source};
use crate::intake::{self, Draft};
use crate::jobs::options::JobOptions;
use crate::jobs::{FileInfo, Idempotency, Job, JobId};
use crate::volume::{Arrival, Spool, hexadecimal};

/// What a client wants of a recording, understood.
#[derive(Debug)]
pub(crate) struct Wishes {
    metadata: Metadata,
    options: JobOptions,
    /// Both, as they were sent: the same wish twice has the same text.
    text: String,
}

/// A job that was made.
#[derive(Debug)]
pub(crate) enum Created {
    /// By this request.
    Now(Arc<Job>),
    /// By an earlier one of the same name.
    Before(Arc<Job>),
}

/// A recording, on its way to its place.
enum Recording {
    Spooled(Box<Spool>),
    Arrived(Box<Arrival>),
}

/// Checks what a client wants; all that is wrong with it is told at once.
pub(crate) fn understand(metadata: Source<'_>, options: Source<'_>) -> Result<Wishes, ApiError> {
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

/// What the media type of a recording says of samples without a header.
pub(crate) fn declared(media_type: Option<&str>) -> Result<Option<Headerless>, ApiError> {
    let said = media_type.map_or(Ok(None), Headerless::from_media_type);
    said.map_err(|error| ApiError::InvalidRequest(error.to_string()))
}

/// Makes a job of a recording that has arrived whole.
pub(crate) async fn from_spool(
    state: &AppState,
    requester: &Requester,
    admission: Admission,
    spool: Spool,
    (filename, said): (String, Option<Headerless>),
    wishes: Wishes,
) -> Result<Created, ApiError> {
    if spool.written() == 0 {
        return Err(ApiError::AudioEmpty);
    }
    let idempotency = admission
        .key
        .clone()
        .map(|key| Idempotency { key, fingerprint: fingerprint(&json!(["sent", filename, spool.sha256()]), said, &wishes) });
    // Repeated, it gets the first answer, whatever has changed here since.
    if let Some(made) = made_before(state, requester.caller.key(), idempotency.as_ref()) {
        return made;
    }
    can_be_kept_to(state, &wishes.options)?;
    let source = probe(state, spool.path(), said.or_else(|| Headerless::from_name(&filename))).await?;
    let file = intake::describe(filename, spool.written(), spool.sha256(), &source);
    let job = draft(state, requester, spool.id(), file, wishes, idempotency);
    place(state, admission, job, Recording::Spooled(Box::new(spool))).await
}

/// Makes a job of a file that lies in `incoming/`.
pub(crate) async fn from_arrival(
    state: &AppState,
    requester: &Requester,
    admission: Admission,
    (name, said): (&str, Option<Headerless>),
    wishes: Wishes,
) -> Result<Created, ApiError> {
    let idempotency =
        admission.key.clone().map(|key| Idempotency { key, fingerprint: fingerprint(&json!(["taken", name]), said, &wishes) });
    // Repeated, the file is not there any more: the first request took it.
    if let Some(made) = made_before(state, requester.caller.key(), idempotency.as_ref()) {
        return made;
    }
    let wanted = idempotency.clone();
    let refusal = match arrived(state, requester, admission, (name, said), wishes, idempotency).await {
        Ok(created) => return Ok(created),
        Err(refusal) => refusal,
    };
    // Another request may have taken the file meanwhile; if it was this one under the same name, its answer is this one's too.
    if let Some(idempotency) = &wanted {
        let _settled = state.job_locks.hold((requester.caller.key(), &idempotency.key)).await;
        if let Some(made) = made_before(state, requester.caller.key(), Some(idempotency)) {
            return made;
        }
    }
    let is_gone = matches!(state.volume.find_arrival(name), Ok(None));
    Err(if is_gone { ApiError::FileNotFound } else { refusal })
}

/// Checks a file in `incoming/` and makes a job of it.
async fn arrived(
    state: &AppState,
    requester: &Requester,
    admission: Admission,
    (name, said): (&str, Option<Headerless>),
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
    let said = said.or_else(|| Headerless::from_name(name));
    let source = probe(state, arrival.path().to_path_buf(), said).await?;
    let hashed = arrival.clone();
    let sha256 = tokio::task::spawn_blocking(move || hashed.sha256()).await;
    let sha256 = sha256
        .map_err(|error| ApiError::Internal(format!("reading a file: {error}")))?
        .map_err(|error| ApiError::from_io("reading a file", &error))?;
    let filename = fields::file_label(Some(&arrival.name()));
    let file = intake::describe(filename, arrival.size(), sha256, &source);
    let job = draft(state, requester, JobId::random(), file, wishes, idempotency);
    place(state, admission, job, Recording::Arrived(Box::new(arrival))).await
}

impl Wishes {
    /// Whether they can be fulfilled, as far as is known before the recording is there. A request that was made before is
    /// not asked: it gets its first answer.
    pub(crate) fn check(&self, state: &AppState, admission: &Admission) -> Result<(), ApiError> {
        if admission.reservation.is_some() { can_be_kept_to(state, &self.options) } else { Ok(()) }
    }
}

/// A strict job that is known beforehand to fail is not taken in.
fn can_be_kept_to(state: &AppState, options: &JobOptions) -> Result<(), ApiError> {
    match intake::missing_model(&state.engine, options) {
        Some((stage, reason)) => Err(ApiError::ModelUnavailable { stage, reason }),
        None => Ok(()),
    }
}

/// Examines a recording on a thread of its own, a few at a time.
async fn probe(state: &AppState, path: std::path::PathBuf, said: Option<Headerless>) -> Result<SourceInfo, ApiError> {
    let _permit = state.probes().acquire().await.map_err(|_| ApiError::ShuttingDown)?;
    let limits = state.decode_limits;
    let probed = tokio::task::spawn_blocking(move || decode::probe_as(&path, said, &limits)).await;
    Ok(probed.map_err(|error| ApiError::Internal(format!("probing a recording: {error}")))??)
}

/// The job of this requester.
fn draft(
    state: &AppState,
    requester: &Requester,
    id: JobId,
    file: FileInfo,
    wishes: Wishes,
    idempotency: Option<Idempotency>,
) -> Job {
    let Wishes { metadata, options, .. } = wishes;
    let owner = requester.caller.key().cloned();
    intake::draft(&state.registry, &state.clock, Draft { id, file, metadata, options, owner, idempotency })
}

/// Moves the recording into place and queues its job. On a task of its own: a client that goes away can no longer come
/// between the two.
async fn place(state: &AppState, admission: Admission, job: Job, recording: Recording) -> Result<Created, ApiError> {
    let guard = match &job.idempotency {
        Some(idempotency) => Some(state.job_locks.hold((job.owner.as_ref(), &idempotency.key)).await),
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

/// SHA-256 of a request, in lower-case hexadecimal. What is said of the samples counts where it is said.
fn fingerprint(recording: &Value, said: Option<Headerless>, wishes: &Wishes) -> String {
    let mut digest = Sha256::new();
    digest.update(recording.to_string());
    if let Some(said) = said {
        digest.update(said.media_type());
    }
    digest.update(&wishes.text);
    hexadecimal(&digest.finalize())
}
