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

use super::error::ApiError;
use super::extract::JobPath;
use super::operations::find;
use super::requester::Requester;
use super::state::AppState;
use crate::jobs::{FileInfo, Job, JobState};
use crate::lifecycle::StoreError;

/// Read and sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Recording
///
/// The recording as it was sent, whole or in part.
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
        // A client that has another recording in mind gets this one whole.
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

/// Where a part begins and how long it is (RFC 9110, section 14.1.2). None asks for the whole: several parts at once, other
/// units and what is not of the form may all be answered so.
pub(super) fn range(text: &str, size: u64) -> Result<Option<(u64, u64)>, ApiError> {
    let Some((unit, set)) = text.split_once('=') else { return Ok(None) };
    let Some((first, last)) = set.trim().split_once('-') else { return Ok(None) };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ok(None);
    }
    let (start, end) = match (position(first), position(last)) {
        (Some(start), Some(end)) if start <= end => (start, end),
        (Some(start), None) if last.is_empty() => (start, u64::MAX),
        // The last so many bytes; more than there are is all.
        (None, Some(length)) if first.is_empty() => (if length == 0 { size } else { size.saturating_sub(length) }, u64::MAX),
        (Some(_) | None, Some(_) | None) => return Ok(None),
    };
    if start >= size {
        return Err(ApiError::RangeNotSatisfiable { size });
    }
    Ok(Some((start, end.min(size - 1) - start + 1)))
}

/// A position in a recording; one beyond all recordings when it is larger than any number of ours.
fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Saved under the label that the client gave; never shown as a page.
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

/// The media type of a recording. Samples without a header are told so that they can be sent again.
fn media_type(file: &FileInfo) -> Result<HeaderValue, ApiError> {
    if let Some(headerless) = file.source.headerless {
        return HeaderValue::from_str(&headerless.media_type()).map_err(|error| ApiError::Internal(error.to_string()));
    }
    Ok(HeaderValue::from_static(file.source.format.media_type()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_part_is_found_and_anything_else_is_the_whole() {
        assert_eq!(range("bytes=0-9", 100).unwrap(), Some((0, 10)));
        assert_eq!(range("bytes=90-", 100).unwrap(), Some((90, 10)));
        assert_eq!(range("bytes=-10", 100).unwrap(), Some((90, 10)));
        assert_eq!(range("bytes=0-999", 100).unwrap(), Some((0, 100)));
        assert_eq!(range("bytes=-999", 100).unwrap(), Some((0, 100)));
        assert_eq!(range("Bytes=0-99999999999999999999999", 100).unwrap(), Some((0, 100)));
        for whole in
            ["bytes=0-1,5-6", "bytes=0-5,2-9", "bytes=5-1", "lines=1-2", "nonsense", "bytes=", "bytes=-", "bytes=+1-2", ""]
        {
            assert_eq!(range(whole, 100).unwrap(), None, "{whole}");
        }
        for beyond in ["bytes=100-", "bytes=200-300", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert!(matches!(range(beyond, 100), Err(ApiError::RangeNotSatisfiable { size: 100 })), "{beyond}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_recording(text in "(bytes=)?[0-9,-]{0,40}", size in 1u64..1_000_000) {
            if let Ok(Some((start, length))) = range(&text, size) {
                prop_assert!(length >= 1 && start + length <= size);
            }
        }
    }
}
