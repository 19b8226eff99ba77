//! Reads `multipart/form-data` part by part, bounded in size, number of parts, memory and time, and refused in our envelope.

use axum::body::BodyDataStream;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::{Stream, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::body_timeout::{BodyTimeoutError, Meter, Pace};
use super::error::ApiError;
use super::pieces::{Endless, Held, Pieces};
use crate::checks::clipped;

/// The greatest size of everything but the file: other parts, headers and boundaries, in bytes.
pub(crate) const MAX_OVERHEAD_BYTES: u64 = 1024 * 1024;
/// The largest part that is read into memory, in bytes.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// Length of the longest boundary, in bytes (RFC 2046, section 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;
/// The greatest number of characters that are repeated of a name or of the parser's message, which can quote the client's input.
const MAX_SHOWN_CHARS: usize = 100;
/// The greatest number of parts of one request.
const MAX_PARTS: usize = 32;

/// The parts of a body.
pub(crate) struct Form<'a> {
    multipart: Multipart<'a>,
    held: Held,
    max_file_bytes: u64,
    parts: usize,
}

/// One part of a body.
pub(crate) struct Part<'a> {
    field: Field<'a>,
    held: Held,
    max_file_bytes: u64,
}

/// The boundary between the parts, as `Content-Type` gives it.
///
/// # Errors
/// When the body is no multipart form, or has no boundary.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    match multer::parse_boundary(content_type) {
        Ok(boundary) if boundary.len() <= MAX_BOUNDARY_BYTES => Ok(boundary),
        Ok(_) => Err(ApiError::InvalidRequest(format!("the boundary is longer than {MAX_BOUNDARY_BYTES} bytes"))),
        Err(multer::Error::NoBoundary) => Err(ApiError::InvalidRequest("multipart/form-data without a boundary".to_owned())),
        Err(_) => {
            Err(ApiError::UnsupportedMediaType { expected: "multipart/form-data", found: clipped(content_type, MAX_SHOWN_CHARS) })
        }
    }
}

impl<'a> Form<'a> {
    /// Reads a body at this pace. Beside a file of `max_file_bytes` it may hold [`MAX_OVERHEAD_BYTES`].
    pub(crate) fn new(data: &'a mut BodyDataStream, boundary: String, pace: Pace, max_file_bytes: u64) -> Self {
        let size = SizeLimit::new().whole_stream(max_file_bytes.saturating_add(MAX_OVERHEAD_BYTES));
        let held = Held::default();
        let stream = Pieces::new(Box::pin(paced(data, pace)), held.clone());
        let multipart = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(size));
        Self { multipart, held, max_file_bytes, parts: 0 }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the body is malformed, too large, too slow, or has too many parts.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'a>>, ApiError> {
        let max_file_bytes = self.max_file_bytes;
        let field = self.multipart.next_field().await.map_err(|error| refusal(&error, max_file_bytes))?;
        let Some(field) = field else { return Ok(None) };
        self.held.found(0);
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ApiError::InvalidRequest(format!("more than {MAX_PARTS} parts")));
        }
        Ok(Some(Part { field, held: self.held.clone(), max_file_bytes }))
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
        self.held.found(chunk.as_ref().map_or(0, Bytes::len));
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
                let name = clipped(self.name(), MAX_SHOWN_CHARS);
                return Err(ApiError::InvalidRequest(format!("the part `{name}` is larger than {MAX_FIELD_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(bytes))
    }

    /// Skips the rest of the part.
    ///
    /// # Errors
    /// As [`Form::next`], and when it is larger than [`MAX_OVERHEAD_BYTES`].
    pub(crate) async fn skip(mut self) -> Result<(), ApiError> {
        let mut skipped = 0;
        while let Some(chunk) = self.chunk().await? {
            skipped += chunk.len() as u64;
            if skipped > MAX_OVERHEAD_BYTES {
                let name = clipped(self.name(), MAX_SHOWN_CHARS);
                let reason = format!("the part `{name}` is not known and larger than {MAX_OVERHEAD_BYTES} bytes");
                return Err(ApiError::InvalidRequest(reason));
            }
        }
        Ok(())
    }
}

/// Why the reading of a body is aborted.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Slow(#[from] BodyTimeoutError),
    #[error(transparent)]
    Endless(#[from] Endless),
}

/// The body; reading is aborted if the client is too slow.
fn paced(data: &mut BodyDataStream, pace: Pace) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + '_ {
    stream::unfold((data, Meter::new(pace)), |(data, mut meter)| async move {
        let next = meter.next(data).await.map_err(BodyError::from).transpose()?;
        Some((next, (data, meter)))
    })
}

fn refusal(error: &multer::Error, max_file_bytes: u64) -> ApiError {
    if matches!(error, multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. }) {
        return ApiError::FileTooLarge { size: None, limit: max_file_bytes };
    }
    if let multer::Error::StreamReadFailed(source) = error {
        return match source.downcast_ref() {
            Some(BodyError::Slow(BodyTimeoutError::TooSlow)) => ApiError::RequestTimeout,
            Some(BodyError::Endless(_) | BodyError::Slow(BodyTimeoutError::Broken(_))) | None => {
                ApiError::InvalidRequest(format!("malformed multipart/form-data: {source}"))
            }
        };
    }
    ApiError::InvalidRequest(format!("malformed multipart/form-data: {}", clipped(&error.to_string(), MAX_SHOWN_CHARS)))
}
