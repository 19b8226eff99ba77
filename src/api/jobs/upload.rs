//! `POST /jobs` with a recording: it arrives as `multipart/form-data` and is written straight to disk.
//!
//! The cheapest checks come first: size by `Content-Length`, room in the queue, size while it streams, the fields, the format
//! by content, the structure of the audio. A refused recording leaves nothing on disk, and neither does a lost connection.

use axum::body::BodyDataStream;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::response::Response;
use bytes::Bytes;

use super::accepted::{answer, idempotency_key};
use super::submission;
use crate::api::state::AppState;
use crate::http::body_timeout::drain;
use crate::http::error::ApiError;
use crate::http::multipart::{Form, MAX_OVERHEAD_BYTES, Part, boundary};
use crate::http::requester::Requester;
use crate::intake::fields::{self, Source};
use crate::intake::{Admission, JobRequest, Origin, Spool};
use crate::media::Headerless;

/// The name of a recording, and the format that its media type declares for samples without a header.
type Label = (String, Option<Headerless>);

/// The parts of a request as they were received.
#[derive(Default)]
struct Parts {
    recording: Option<(Spool, Label)>,
    metadata: Option<Bytes>,
    options: Option<Bytes>,
}

/// Creates a job from a recording that is uploaded.
pub(super) async fn upload(state: &AppState, requester: &Requester, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let mut data = body.into_data_stream();
    let (boundary, admission) = match admit(state, requester, &head.headers) {
        Ok(admitted) => admitted,
        // With `Expect: 100-continue`, reading the body would make the client send it.
        Err(refusal) if head.headers.contains_key(EXPECT) => return Err(refusal),
        Err(refusal) => {
            drain(data).await;
            return Err(refusal);
        }
    };
    match receive(state, requester, boundary, admission, &mut data).await {
        Ok(response) => Ok(response),
        Err(refusal) => {
            drain(data).await;
            Err(refusal)
        }
    }
}

/// Checks the head of the request before a byte of the body is read.
fn admit(state: &AppState, requester: &Requester, headers: &HeaderMap) -> Result<(String, Admission), ApiError> {
    let boundary = boundary(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    let limit = state.max_file_bytes;
    if length.is_some_and(|length| length > limit.saturating_add(MAX_OVERHEAD_BYTES)) {
        return Err(ApiError::FileTooLarge { size: length, limit });
    }
    let key = idempotency_key(headers)?;
    // The excess over the limit may belong to the other parts; the recording itself is checked while it streams.
    Ok((boundary, submission::admit(state, requester, length.map(|length| length.min(limit)), key)?))
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
    let request = JobRequest::check(metadata, options)?;
    let (spool, (filename, declared)) = parts.recording.ok_or(ApiError::MissingFile)?;
    let recording = (Origin::Received(Box::new(spool), filename), declared);
    let accepted = submission::submit(state, requester, admission, recording, request).await?;
    Ok(answer(requester, &accepted))
}

async fn read_parts(
    state: &AppState,
    boundary: String,
    admission: &mut Admission,
    data: &mut BodyDataStream,
) -> Result<Parts, ApiError> {
    let mut form = Form::new(data, boundary, state.pace, state.max_file_bytes);
    let mut parts = Parts::default();
    while let Some(part) = form.next().await? {
        match part.name() {
            "file" if parts.recording.is_some() => return Err(repeated("file")),
            "file" => parts.recording = Some(read_recording(state, admission, part).await?),
            "metadata" if parts.metadata.is_some() => return Err(repeated("metadata")),
            "metadata" => parts.metadata = Some(part.bytes().await?),
            "options" if parts.options.is_some() => return Err(repeated("options")),
            "options" => parts.options = Some(part.bytes().await?),
            // Unknown fields are ignored, as everywhere in the interface.
            _ => part.skip().await?,
        }
    }
    Ok(parts)
}

fn repeated(name: &str) -> ApiError {
    ApiError::InvalidRequest(format!("the part `{name}` comes more than once"))
}

async fn read_recording(state: &AppState, admission: &mut Admission, mut part: Part<'_>) -> Result<(Spool, Label), ApiError> {
    let filename = fields::file_label(part.file_name());
    let declared = submission::declared(part.content_type())?;
    let mut spool = state.intake.open_spool(admission).await?;
    while let Some(chunk) = part.chunk().await? {
        spool.write(&chunk).await?;
    }
    spool.finish().await?;
    Ok((spool, (filename, declared)))
}
