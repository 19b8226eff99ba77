//! A recording that arrives in binary frames of a WebSocket. The server grants a window: a client that keeps within it never
//! waits for the disk, and one that exceeds it is refused.
//!
//! An upload that was only announced holds nothing but this: the first frame takes a place in the queue and opens the file.
//! From the announcement on, its bytes have to keep the pace of other request bodies.

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::uuid;
use super::submission;
use crate::api::state::AppState;
use crate::http::body_timeout::MessagePace;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::ws::{Answer, MAX_FRAME_BYTES, Reply, Upload};
use crate::intake::fields::{self, Source};
use crate::intake::{Admission, JobRequest, Origin, Spool};
use crate::lifecycle::Accepted;
use crate::media::Headerless;

/// Bytes that a client may send ahead of the server.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// The announcement of an upload: everything but the bytes.
pub(super) struct Announced<'a> {
    pub(super) filename: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) size: u64,
    pub(super) metadata: Source<'a>,
    pub(super) options: Source<'a>,
    pub(super) idempotency_key: Option<&'a str>,
}

/// An upload that is in progress.
pub(crate) struct RecordingUpload {
    /// None before the first frame.
    spool: Option<Spool>,
    admission: Admission,
    request: JobRequest,
    /// The file name, and the format that the media type declares for samples without a header.
    label: (String, Option<Headerless>),
    size: u64,
    granted: u64,
    pace: MessagePace,
}

impl RecordingUpload {
    pub(super) fn begin(state: &AppState, requester: &Requester, announced: &Announced<'_>) -> Result<Self, ApiError> {
        let key = announced.idempotency_key.map(submission::checked_key).transpose()?;
        let admission = submission::admit(state, requester, Some(announced.size), key)?;
        let request = JobRequest::check(announced.metadata, announced.options)?;
        let declared = submission::declared(announced.content_type)?;
        if announced.size == 0 {
            return Err(ApiError::AudioEmpty);
        }
        submission::check(state, &admission, &request)?;
        Ok(Self {
            spool: None,
            admission,
            request,
            label: (fields::file_label(announced.filename), declared),
            size: announced.size,
            granted: announced.size.min(WINDOW_BYTES),
            pace: MessagePace::new(state.pace),
        })
    }

    /// The answer to the command that started the upload.
    pub(super) fn ready(&self) -> UploadReady {
        UploadReady { upload_id: uuid(self.admission.job_id()), max_frame_bytes: MAX_FRAME_BYTES, granted_bytes: self.granted }
    }

    /// The number of bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.spool.as_ref().map_or(0, Spool::written)
    }

    /// Whether all announced bytes have arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.received() == self.size
    }

    /// Creates the job of a complete upload.
    pub(super) async fn finish(self, state: &AppState, requester: &Requester) -> Result<Accepted, ApiError> {
        // Only an upload without bytes has none.
        let mut spool = self.spool.ok_or(ApiError::AudioEmpty)?;
        spool.finish().await?;
        let (filename, declared) = self.label;
        let recording = (Origin::Received(Box::new(spool), filename), declared);
        submission::submit(state, requester, self.admission, recording, self.request).await
    }
}

impl Upload<AppState> for RecordingUpload {
    fn overdue(&self) -> Instant {
        // When everything has arrived, only the command to finish is due.
        if self.is_whole() { self.pace.paused() } else { self.pace.overdue() }
    }

    /// Writes a frame. It is answered when it extends the grant, and when all bytes have arrived.
    async fn receive(&mut self, state: &AppState, bytes: &[u8]) -> Result<Option<Reply>, ApiError> {
        let received = self.received() + bytes.len() as u64;
        if received > self.granted {
            let granted = self.granted;
            return Err(ApiError::InvalidRequest(format!("{received} bytes were sent, but only {granted} were granted")));
        }
        let arrived = Instant::now();
        self.pace.arrived(bytes.len() as u64).map_err(|_too_slow| ApiError::RequestTimeout)?;
        if self.spool.is_none() && !bytes.is_empty() {
            self.spool = Some(state.intake.open_spool(&mut self.admission).await?);
        }
        if let Some(spool) = &mut self.spool {
            spool.write(bytes).await?;
        }
        self.pace.pause(arrived.elapsed());
        let extends = self.granted < self.size && self.granted - received <= WINDOW_BYTES / 2;
        if extends {
            self.granted = self.size.min(received + WINDOW_BYTES);
        }
        let progress = UploadProgress { received_bytes: received, granted_bytes: self.granted };
        Ok((extends || received == self.size).then(|| Reply::new(&progress)))
    }
}

/// The server is ready for binary frames.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadReady {
    /// The id of the job that the upload will become.
    upload_id: Uuid,
    /// Size of the largest binary frame, in bytes.
    max_frame_bytes: usize,
    /// The number of bytes, from the beginning of the recording, that may be sent before the next grant.
    granted_bytes: u64,
}

/// The progress of an upload. Sent when more bytes are granted, and when all bytes have arrived.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadProgress {
    /// The number of bytes of the recording that have arrived.
    received_bytes: u64,
    /// The number of bytes, from the beginning of the recording, that may be sent before the next grant.
    granted_bytes: u64,
}

impl Answer for UploadReady {
    const NAME: &'static str = "upload_ready";
}

impl Answer for UploadProgress {
    const NAME: &'static str = "upload_progress";
}
