//! `POST /jobs`: a recording arrives as `multipart/form-data` and goes straight to disk.
//!
//! Checks come cheapest first: size by `Content-Length`, room in the queue, size while it streams, the fields, the format by
//! content, the structure of the audio. A refused recording leaves nothing on disk, and neither does a client that goes away.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::bodies::job::JobBody;
use super::body_timeout::{BodyTimeoutError, Meter, Pace, drain};
use super::error::ApiError;
use super::fields::{self, Source};
use super::json::is_json;
use super::openapi::requests::RecordingForm;
use super::operations::{admission, create};
use super::requester::Requester;
use super::state::AppState;
use super::take::{TakeRequest, take};
use crate::intake::{Admission, JobRequest, Origin, Spool};
use crate::lifecycle::Accepted;
use crate::media::Headerless;

/// What the parts beside the recording and the boundaries may take.
const MAX_OVERHEAD_BYTES: u64 = 1024 * 1024;
/// The largest `metadata` or `options` part.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// Bytes between two boundaries or headers that make sense: multer holds them in memory until it finds their end.
const MAX_UNPARSED_BYTES: u64 = 4 * 1024 * 1024;
/// Most parts of one request.
const MAX_PARTS: usize = 32;

/// Where a client may name its request.
const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-token"];
/// Says that the answer is that of an earlier request.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The name of a recording, and what its media type says of samples without a header.
type Label = (String, Option<Headerless>);

/// The parts of a request as they came.
#[derive(Default)]
struct Parts {
    recording: Option<(Spool, Label)>,
    metadata: Option<Bytes>,
    options: Option<Bytes>,
}

/// Create a job
///
/// Takes a recording in and queues it: sent as `multipart/form-data`, parts in any order, or lying in `incoming/` and named
/// in a JSON body. All mistakes in `metadata` and `options` are told at once. With an `Idempotency-Key` the request can be
/// repeated without making a second job.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "Jobs", request_body(content(
    (RecordingForm = "multipart/form-data"),
    (TakeRequest = "application/json"),
)), responses((status = 201, description = "The job waits", body = JobBody)))]
pub(super) async fn create_job(
    State(state): State<AppState>,
    requester: Requester,
    request: Request,
) -> Result<Response, ApiError> {
    if is_json(request.headers()) {
        return take(&state, &requester, request).await;
    }
    let (head, body) = request.into_parts();
    let mut data = body.into_data_stream();
    let (boundary, admission) = match admit(&state, &requester, &head.headers) {
        Ok(admitted) => admitted,
        // This client waits for our word before it sends; reading would tell it to go on.
        Err(refusal) if head.headers.contains_key(EXPECT) => return Err(refusal),
        Err(refusal) => {
            drain(data).await;
            return Err(refusal);
        }
    };
    match receive(&state, &requester, boundary, admission, &mut data).await {
        Ok(response) => Ok(response),
        Err(refusal) => {
            drain(data).await;
            Err(refusal)
        }
    }
}

/// What can be said before a byte of the body is read.
fn admit(state: &AppState, requester: &Requester, headers: &HeaderMap) -> Result<(String, Admission), ApiError> {
    let boundary = boundary(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    let limit = state.max_file_bytes;
    if length.is_some_and(|length| length > limit.saturating_add(MAX_OVERHEAD_BYTES)) {
        return Err(ApiError::FileTooLarge { size: length, limit });
    }
    let key = idempotency_key(headers)?;
    // A little more than the limit may be the parts beside the recording: that shows while it streams.
    Ok((boundary, admission::admit(state, requester, length.map(|length| length.min(limit)), key)?))
}

async fn receive(
    state: &AppState,
    requester: &Requester,
    boundary: String,
    mut admission: Admission,
    data: &mut BodyDataStream,
) -> Result<Response, ApiError> {
    let parts = read_parts(state, boundary, &mut admission, data).await?;
    let metadata = Source::Text(parts.metadata.as_deref().unwrap_or_default());
    let options = Source::Text(parts.options.as_deref().unwrap_or_default());
    let job_request = JobRequest::check(metadata, options)?;
    let (spool, (filename, declared)) = parts.recording.ok_or(ApiError::MissingFile)?;
    let recording = (Origin::Received(Box::new(spool), filename), declared);
    let accepted = create::create(state, requester, admission, recording, job_request).await?;
    Ok(answer(requester, &accepted))
}

/// The answer to a request that made a job, now or before.
pub(super) fn answer(requester: &Requester, accepted: &Accepted) -> Response {
    let (Accepted::New(job) | Accepted::Replayed(job)) = accepted;
    let location = format!("/api/v1/jobs/{}", job.id);
    let body = Json(JobBody::as_accepted(job, requester));
    let mut response = (StatusCode::CREATED, [(LOCATION, location)], body).into_response();
    if matches!(accepted, Accepted::Replayed(_)) {
        response.headers_mut().insert(&REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The client's own name for the request, when it gives one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let given = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let keys = given.map(|value| admission::checked_key(&String::from_utf8_lossy(value.as_bytes())));
    // Each must be one; the first counts.
    Ok(keys.collect::<Result<Vec<_>, _>>()?.into_iter().next())
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

async fn read_parts(
    state: &AppState,
    boundary: String,
    admission: &mut Admission,
    data: &mut BodyDataStream,
) -> Result<Parts, ApiError> {
    let size = SizeLimit::new().whole_stream(state.max_file_bytes.saturating_add(MAX_OVERHEAD_BYTES));
    let unparsed = AtomicU64::new(0);
    let stream = guarded(data, state.pace, &unparsed);
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
            "file" => parts.recording = Some(read_recording(state, admission, part).await?),
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

async fn read_recording(state: &AppState, admission: &mut Admission, mut part: Part<'_>) -> Result<(Spool, Label), ApiError> {
    let filename = fields::file_label(part.field.file_name());
    let declared = create::declared(part.field.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()))?;
    let mut spool = state.intake.open_spool(admission).await?;
    while let Some(chunk) = part.chunk().await? {
        spool.write(&chunk).await?;
    }
    spool.finish().await?;
    Ok((spool, (filename, declared)))
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

/// Why a body is given up.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Slow(#[from] BodyTimeoutError),
    #[error("no boundary or end of headers within {MAX_UNPARSED_BYTES} bytes")]
    Endless,
}

/// The body, given up when the client is too slow, or sends on and on what is part of nothing.
fn guarded<'a>(
    data: &'a mut BodyDataStream,
    pace: Pace,
    unparsed: &'a AtomicU64,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'a {
    stream::unfold((data, Meter::new(pace)), move |(data, mut meter)| async move {
        match meter.next(data).await {
            Ok(Some(chunk)) => {
                let held = unparsed.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
                Some((if held > MAX_UNPARSED_BYTES { Err(BodyError::Endless) } else { Ok(chunk) }, (data, meter)))
            }
            Ok(None) => None,
            Err(error) => Some((Err(BodyError::from(error)), (data, meter))),
        }
    })
}

fn multipart_error(error: &multer::Error, limit: u64) -> ApiError {
    if matches!(error, multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. }) {
        return ApiError::FileTooLarge { size: None, limit };
    }
    if let multer::Error::StreamReadFailed(source) = error {
        return match source.downcast_ref() {
            Some(BodyError::Slow(BodyTimeoutError::TooSlow)) => ApiError::RequestTimeout,
            Some(BodyError::Endless | BodyError::Slow(BodyTimeoutError::Broken(_))) | None => {
                ApiError::InvalidRequest(format!("malformed multipart/form-data: {source}"))
            }
        };
    }
    ApiError::InvalidRequest(format!("malformed multipart/form-data: {error}"))
}
