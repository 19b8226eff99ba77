//! `POST /jobs`: a recording arrives as `multipart/form-data` and goes straight to disk.
//!
//! Checks come cheapest first: size by `Content-Length`, room in the queue, size while it streams, the fields, the format by
//! content, the structure of the audio. A refused recording leaves nothing on disk, and neither does a client that goes away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::{Value, json};
use tracing::info;

use super::body;
use super::error::ApiError;
use super::fields::{self, DEFAULT_PRIORITY};
use super::state::AppState;
use crate::audio::{SourceInfo, decode};
use crate::jobs::registry::Reservation;
use crate::jobs::{FileInfo, Job, JobId, JobState};
use crate::volume::Spool;

/// What the parts beside the recording and the boundaries may take.
const MAX_OVERHEAD_BYTES: u64 = 1024 * 1024;
/// The largest `metadata` or `options` part.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// Bytes between two boundaries or headers that make sense: multer holds them in memory until it finds their end.
const MAX_UNPARSED_BYTES: u64 = 4 * 1024 * 1024;
/// Free disk beyond the recording itself, below which nothing is taken in.
const DISK_RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Most parts of one request.
const MAX_PARTS: usize = 32;
/// How long a refused client may still send, so that it reads the answer instead of a reset connection.
const LINGER: Duration = Duration::from_secs(2);

/// The parts of a request as they came.
#[derive(Default)]
struct Parts {
    recording: Option<(Spool, String)>,
    metadata: Option<Bytes>,
    options: Option<Bytes>,
}

/// Takes a recording in and queues it.
pub(super) async fn create_job(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let mut data = body.into_data_stream();
    let (boundary, reservation) = match admit(&state, &head.headers) {
        Ok(admitted) => admitted,
        // This client waits for our word before it sends; reading would tell it to go on.
        Err(refusal) if head.headers.contains_key(EXPECT) => return Err(refusal),
        Err(refusal) => {
            drain(data).await;
            return Err(refusal);
        }
    };
    match receive(&state, boundary, reservation, &mut data).await {
        Ok(response) => Ok(response),
        Err(refusal) => {
            drain(data).await;
            Err(refusal)
        }
    }
}

/// What can be said before a byte of the body is read.
fn admit(state: &AppState, headers: &HeaderMap) -> Result<(String, Reservation), ApiError> {
    if state.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    let boundary = boundary(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    let limit = state.max_file_bytes;
    if let Some(length) = length.filter(|length| *length > limit + MAX_OVERHEAD_BYTES) {
        return Err(ApiError::FileTooLarge { size: Some(length), limit });
    }
    let reservation = state.registry.reserve()?;
    if state.volume.free_bytes().is_some_and(|free| free < length.unwrap_or(0) + DISK_RESERVE_BYTES) {
        return Err(ApiError::StorageFull);
    }
    Ok((boundary, reservation))
}

async fn receive(
    state: &AppState,
    boundary: String,
    reservation: Reservation,
    data: &mut BodyDataStream,
) -> Result<Response, ApiError> {
    let parts = read_parts(state, boundary, data).await?;
    let metadata = fields::metadata(parts.metadata.as_deref().unwrap_or_default());
    let options = fields::options(parts.options.as_deref().unwrap_or_default());
    let (metadata, options) = match (metadata, options) {
        (Ok(metadata), Ok(options)) => (metadata, options),
        (Err(mut checks), options) => {
            checks.extend(options.err().unwrap_or_default());
            return Err(ApiError::InvalidMetadata(checks));
        }
        (Ok(_), Err(checks)) => return Err(ApiError::InvalidOptions(checks)),
    };
    let (spool, filename) = parts.recording.ok_or(ApiError::MissingFile)?;
    if spool.written() == 0 {
        return Err(ApiError::AudioEmpty);
    }
    let source = probe(state, &spool).await?;
    let job = Job {
        id: spool.id(),
        file: FileInfo {
            filename,
            size_bytes: spool.written(),
            format: source.format.to_owned(),
            codec: source.codec.clone(),
            sample_rate: source.sample_rate,
            channels: source.channels,
            duration_seconds: source.duration.as_seconds(),
            sha256: spool.sha256(),
        },
        priority: metadata.priority.unwrap_or(DEFAULT_PRIORITY),
        metadata: metadata.fields,
        options,
        created_at: state.clock.now(),
        sequence: state.registry.next_sequence(),
        attempts: 0,
        state: JobState::Queued,
    };
    let body = accepted_body(state, &job);
    let location = format!("/api/v1/jobs/{}", job.id);
    accept(state, spool, job, reservation).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(body)).into_response())
}

/// Moves the recording into place and queues it. On a task of its own: a client that goes away can no longer come between
/// the two.
async fn accept(state: &AppState, spool: Spool, job: Job, reservation: Reservation) -> Result<(), ApiError> {
    let (volume, registry) = (state.volume.clone(), state.registry.clone());
    let span = tracing::Span::current();
    let accepted = state.tasks.spawn_blocking(move || {
        let _in_request = span.entered();
        volume.accept(&spool, &job)?;
        info!(event = "job_accepted", job_id = %job.id, size = job.file.size_bytes, format = job.file.format, "Accepted a recording");
        registry.submit(reservation, job);
        Ok::<_, ApiError>(())
    });
    accepted.await.map_err(|error| ApiError::Internal(format!("accepting a recording: {error}")))?
}

/// The seed's body of a new job, and where to go on.
fn accepted_body(state: &AppState, job: &Job) -> Value {
    let seconds = state.registry.estimated_seconds(job.file.duration_seconds);
    let mut body = body::job(job, None);
    body.insert("estimated_duration".to_owned(), json!((seconds * 10.0).round() / 10.0));
    Value::Object(body)
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    multer::parse_boundary(content_type).map_err(|error| {
        if matches!(error, multer::Error::NoBoundary) {
            ApiError::InvalidRequest("multipart/form-data without a boundary".to_owned())
        } else {
            ApiError::UnsupportedMediaType { expected: "multipart/form-data", found: content_type.chars().take(100).collect() }
        }
    })
}

async fn read_parts(state: &AppState, boundary: String, data: &mut BodyDataStream) -> Result<Parts, ApiError> {
    let size = SizeLimit::new().whole_stream(state.max_file_bytes + MAX_OVERHEAD_BYTES);
    let unparsed = AtomicU64::new(0);
    let stream = guarded(data, state.idle_timeout, &unparsed);
    let mut multipart = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(size));
    let mut parts = Parts::default();
    let mut count = 0;
    while let Some(field) = multipart.next_field().await.map_err(|error| multipart_error(&error, state.max_file_bytes))? {
        let mut part = Part { field, unparsed: &unparsed, limit: state.max_file_bytes };
        count += 1;
        if count > MAX_PARTS {
            return Err(ApiError::InvalidRequest(format!("more than {MAX_PARTS} parts")));
        }
        let name = part.field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if parts.recording.is_some() => return Err(repeated("file")),
            "file" => parts.recording = Some(read_recording(state, part).await?),
            "metadata" if parts.metadata.is_some() => return Err(repeated("metadata")),
            "metadata" => parts.metadata = Some(read_field(part, &name).await?),
            "options" if parts.options.is_some() => return Err(repeated("options")),
            "options" => parts.options = Some(read_field(part, &name).await?),
            // Unknown fields are ignored, as everywhere in the interface.
            _ => while part.chunk().await?.is_some() {},
        }
    }
    Ok(parts)
}

fn repeated(name: &str) -> ApiError {
    ApiError::InvalidRequest(format!("the part `{name}` comes more than once"))
}

/// A part of the request.
struct Part<'a> {
    field: Field<'a>,
    unparsed: &'a AtomicU64,
    limit: u64,
}

impl Part<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.field.chunk().await.map_err(|error| multipart_error(&error, self.limit))?;
        self.unparsed.store(0, Ordering::Relaxed);
        Ok(chunk)
    }
}

async fn read_recording(state: &AppState, mut part: Part<'_>) -> Result<(Spool, String), ApiError> {
    let filename = fields::file_label(part.field.file_name());
    let mut spool = state.volume.spool(JobId::random(), state.max_file_bytes).await?;
    while let Some(chunk) = part.chunk().await? {
        spool.write(&chunk).await?;
    }
    spool.finish().await?;
    Ok((spool, filename))
}

async fn read_field(mut part: Part<'_>, name: &str) -> Result<Bytes, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await? {
        if bytes.len() + chunk.len() > MAX_FIELD_BYTES {
            return Err(ApiError::InvalidRequest(format!("the part `{name}` is larger than {MAX_FIELD_BYTES} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(bytes))
}

/// Examines the recording on a thread of its own, a few at a time.
async fn probe(state: &AppState, spool: &Spool) -> Result<SourceInfo, ApiError> {
    let _permit = state.probes().acquire().await.map_err(|_| ApiError::ShuttingDown)?;
    let (path, limits) = (spool.path(), state.decode_limits);
    let probed = tokio::task::spawn_blocking(move || decode::probe(&path, &limits)).await;
    Ok(probed.map_err(|error| ApiError::Internal(format!("probing a recording: {error}")))??)
}

/// A client that pauses for too long is given up.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error("the client paused for too long")]
    Idle,
    #[error("no boundary or end of headers within {MAX_UNPARSED_BYTES} bytes")]
    Endless,
    #[error("the connection broke: {0}")]
    Broken(#[from] axum::Error),
}

/// The body, given up when the client pauses for too long, or sends on and on what is part of nothing.
fn guarded<'a>(
    data: &'a mut BodyDataStream,
    idle: Duration,
    unparsed: &'a AtomicU64,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'a {
    stream::unfold(data, move |data| async move {
        match tokio::time::timeout(idle, data.next()).await {
            Ok(Some(Ok(chunk))) => {
                let held = unparsed.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
                Some((if held > MAX_UNPARSED_BYTES { Err(BodyError::Endless) } else { Ok(chunk) }, data))
            }
            Ok(Some(Err(error))) => Some((Err(BodyError::from(error)), data)),
            Ok(None) => None,
            Err(_) => Some((Err(BodyError::Idle), data)),
        }
    })
}

fn multipart_error(error: &multer::Error, limit: u64) -> ApiError {
    if matches!(error, multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. }) {
        return ApiError::FileTooLarge { size: None, limit };
    }
    if let multer::Error::StreamReadFailed(source) = error {
        return match source.downcast_ref() {
            Some(BodyError::Idle) => ApiError::RequestTimeout,
            Some(BodyError::Endless | BodyError::Broken(_)) | None => {
                ApiError::InvalidRequest(format!("malformed multipart/form-data: {source}"))
            }
        };
    }
    ApiError::InvalidRequest(format!("malformed multipart/form-data: {error}"))
}

/// Reads on for a moment after a refusal: a client that is still sending would otherwise see a reset connection.
async fn drain(mut data: BodyDataStream) {
    let rest = async { while matches!(data.next().await, Some(Ok(_))) {} };
    // Running out of time is the expected end for a client that sends on.
    let _elapsed = tokio::time::timeout(LINGER, rest).await;
}
