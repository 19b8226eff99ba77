//! `GET /jobs/{job_id}/audio`: the recording as it was sent, whole or in part (RFC 9110, section 14).

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::operations::find;
use super::parameters::JobPath;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::range::range;
use crate::http::requester::Requester;
use crate::jobs::{FileInfo, Job, JobState};
use crate::lifecycle::StoreError;

/// Number of bytes that are read and sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Recording
///
/// The recording as it was sent, completely or one range of it (`Range`, RFC 9110).
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/audio", tag = "Jobs", responses(
    (status = 200, description = "The whole recording", content_type = "audio/*"),
    (status = 206, description = "The part that was asked for", content_type = "audio/*"),
))]
pub(super) async fn get_audio(
    State(state): State<AppState>,
    requester: Requester,
    JobPath(id): JobPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job = find(&state, &requester, id)?;
    if matches!(job.state, JobState::Archived { .. }) {
        return Err(ApiError::ResultArchived);
    }
    let (file, size) = match state.lifecycle.open_recording(&job).await {
        Ok(opened) => opened,
        Err(_) if state.lifecycle.jobs().find(id).is_none() => return Err(ApiError::JobNotFound),
        Err(StoreError::Missing(_)) => return Err(ApiError::FileNotFound),
        Err(error) => return Err(ApiError::from_store("opening a recording", error)),
    };
    let etag = format!("\"{}\"", job.file.sha256);
    let part = match headers.get(RANGE).and_then(|value| value.to_str().ok()) {
        // A client whose parts belong to another recording gets this one completely.
        Some(text) if headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes()) => range(text, size)?,
        Some(_) | None => None,
    };
    let (start, length) = part.unwrap_or((0, size));
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(start)).await.map_err(|error| ApiError::Internal(format!("reading a recording: {error}")))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK_BYTES));
    let mut response = (if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK }, body).into_response();
    let answer = response.headers_mut();
    answer.insert(CONTENT_LENGTH, length.into());
    answer.insert(CONTENT_TYPE, media_type(&job.file)?);
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, immutable"));
    for (name, text) in [(ETAG, etag), (CONTENT_DISPOSITION, disposition(&job))] {
        answer.insert(name, HeaderValue::from_str(&text).map_err(|error| ApiError::Internal(error.to_string()))?);
    }
    if part.is_some() {
        let text = format!("bytes {start}-{}/{size}", start + length - 1);
        answer.insert(CONTENT_RANGE, HeaderValue::from_str(&text).map_err(|error| ApiError::Internal(error.to_string()))?);
    }
    Ok(response)
}

/// Lets a browser save the recording under the client's file name, and never show it as a page.
fn disposition(job: &Job) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encoded: String = job
        .file
        .filename
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

/// The media type of a recording; for samples without a header, the one with which they can be sent again.
fn media_type(file: &FileInfo) -> Result<HeaderValue, ApiError> {
    if let Some(headerless) = file.source.headerless {
        return HeaderValue::from_str(&headerless.media_type()).map_err(|error| ApiError::Internal(error.to_string()));
    }
    Ok(HeaderValue::from_static(file.source.format.media_type()))
}
