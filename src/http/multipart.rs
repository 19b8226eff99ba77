//! Reads `multipart/form-data` part by part, bounded in size, number of parts, memory and time, and refused in our envelope.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::BodyDataStream;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::{Stream, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::body_timeout::{BodyTimeoutError, Meter, Pace};
use super::error::ApiError;

/// The greatest size of everything but the file: other parts, headers and boundaries, in bytes.
pub(crate) const MAX_OVERHEAD_BYTES: u64 = 1024 * 1024;
/// The largest part that is read into memory, in bytes.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// The greatest number of bytes without a boundary or the end of a part's headers: multer buffers them until it finds one.
const MAX_UNPARSED_BYTES: u64 = 4 * 1024 * 1024;
/// The greatest number of parts of one request.
const MAX_PARTS: usize = 32;

/// The parts of a body.
pub(crate) struct Form<'a> {
    multipart: Multipart<'a>,
    unparsed: Arc<AtomicU64>,
    max_file_bytes: u64,
    parts: usize,
}

/// One part of a body.
pub(crate) struct Part<'a> {
    field: Field<'a>,
    unparsed: Arc<AtomicU64>,
    max_file_bytes: u64,
}

/// The boundary between the parts, as `Content-Type` gives it.
///
/// # Errors
/// When the body is no multipart form, or has no boundary.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    multer::parse_boundary(content_type).map_err(|error| {
        if matches!(error, multer::Error::NoBoundary) {
            ApiError::InvalidRequest("multipart/form-data without a boundary".to_owned())
        } else {
            ApiError::UnsupportedMediaType { expected: "multipart/form-data", found: content_type.chars().take(100).collect() }
        }
    })
}

impl<'a> Form<'a> {
    /// Reads a body at this pace. Beside a file of `max_file_bytes` it may hold [`MAX_OVERHEAD_BYTES`].
    pub(crate) fn new(data: &'a mut BodyDataStream, boundary: String, pace: Pace, max_file_bytes: u64) -> Self {
        let size = SizeLimit::new().whole_stream(max_file_bytes.saturating_add(MAX_OVERHEAD_BYTES));
        let unparsed = Arc::new(AtomicU64::new(0));
        let stream = bounded(data, pace, Arc::clone(&unparsed));
        let multipart = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(size));
        Self { multipart, unparsed, max_file_bytes, parts: 0 }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the body is malformed, too large, too slow, or has too many parts.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'a>>, ApiError> {
        let max_file_bytes = self.max_file_bytes;
        let field = self.multipart.next_field().await.map_err(|error| refusal(&error, max_file_bytes))?;
        let Some(field) = field else { return Ok(None) };
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ApiError::InvalidRequest(format!("more than {MAX_PARTS} parts")));
        }
        Ok(Some(Part { field, unparsed: Arc::clone(&self.unparsed), max_file_bytes }))
    }
}

impl Part<'_> {
    /// The name of the part; empty when it has none.
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The file name that the client gave.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The media type that the client gave.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.field.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }

    /// The next bytes; `None` at the end of the part.
    ///
    /// # Errors
    /// As [`Form::next`].
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.field.chunk().await.map_err(|error| refusal(&error, self.max_file_bytes))?;
        self.unparsed.store(0, Ordering::Relaxed);
        Ok(chunk)
    }

    /// The complete content of a small part.
    ///
    /// # Errors
    /// As [`Form::next`], and when it is larger than 64 KiB.
    pub(crate) async fn bytes(mut self) -> Result<Bytes, ApiError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > MAX_FIELD_BYTES {
                let name = self.name();
                return Err(ApiError::InvalidRequest(format!("the part `{name}` is larger than {MAX_FIELD_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(bytes))
    }

    /// Skips the rest of the part.
    ///
    /// # Errors
    /// As [`Form::next`].
    pub(crate) async fn skip(mut self) -> Result<(), ApiError> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

/// Why the reading of a body is aborted.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Slow(#[from] BodyTimeoutError),
    #[error("no boundary or end of headers within {MAX_UNPARSED_BYTES} bytes")]
    Endless,
}

/// The body; reading is aborted if the client is too slow or sends too many bytes that belong to no part.
fn bounded(
    data: &mut BodyDataStream,
    pace: Pace,
    unparsed: Arc<AtomicU64>,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + '_ {
    stream::unfold((data, Meter::new(pace), unparsed), |(data, mut meter, unparsed)| async move {
        let next = match meter.next(data).await {
            Ok(Some(chunk)) => {
                let held = unparsed.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
                if held > MAX_UNPARSED_BYTES { Err(BodyError::Endless) } else { Ok(chunk) }
            }
            Ok(None) => return None,
            Err(error) => Err(BodyError::from(error)),
        };
        Some((next, (data, meter, unparsed)))
    })
}

fn refusal(error: &multer::Error, max_file_bytes: u64) -> ApiError {
    if matches!(error, multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. }) {
        return ApiError::FileTooLarge { size: None, limit: max_file_bytes };
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
