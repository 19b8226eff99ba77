//! A recording that arrives in binary frames. The server grants a window; a client that keeps to it never waits for the disk
//! with more than that in flight, and one that does not is refused.

use tokio::time::Instant;

use crate::http::error::ApiError;
use crate::http::fields::{self, Source};
use crate::http::operations::{admission, create};
use crate::http::requester::Requester;
use crate::http::state::AppState;
use crate::intake::{Admission, JobRequest, Origin, Spool};
use crate::jobs::JobId;
use crate::lifecycle::Accepted;
use crate::media::Headerless;

/// So much may be on its way, in bytes.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// What a client said about a recording before it sends it.
pub(super) struct Announced<'a> {
    pub(super) filename: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) size: u64,
    pub(super) metadata: Source<'a>,
    pub(super) options: Source<'a>,
    pub(super) idempotency_key: Option<&'a str>,
}

/// A recording on its way.
pub(super) struct Upload {
    spool: Spool,
    admission: Admission,
    request: JobRequest,
    /// Its name, and what its media type says of samples without a header.
    label: (String, Option<Headerless>),
    size: u64,
    granted: u64,
    /// When a client that sends nothing is given up.
    pub(super) overdue: Instant,
}

impl Upload {
    /// Checks all that can be known beforehand, and opens a place for the recording.
    pub(super) async fn begin(state: &AppState, requester: &Requester, announced: Announced<'_>) -> Result<Self, ApiError> {
        let key = announced.idempotency_key.map(admission::checked_key).transpose()?;
        let mut admission = admission::admit(state, requester, Some(announced.size), key)?;
        let request = JobRequest::check(announced.metadata, announced.options)?;
        let declared = create::declared(announced.content_type)?;
        if announced.size == 0 {
            return Err(ApiError::AudioEmpty);
        }
        create::check(state, &admission, &request)?;
        let spool = state.intake.open_spool(&mut admission).await?;
        Ok(Self {
            spool,
            admission,
            request,
            label: (fields::file_label(announced.filename), declared),
            size: announced.size,
            granted: announced.size.min(WINDOW_BYTES),
            overdue: Instant::now() + state.pace.idle_timeout,
        })
    }

    /// The job that it will become.
    pub(super) fn id(&self) -> JobId {
        self.spool.id()
    }

    /// How many bytes have arrived, and how many may be sent in all.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.spool.written(), self.granted)
    }

    /// Takes a frame. Whether there is something to tell: a new grant, or that all has arrived.
    pub(super) async fn take(&mut self, state: &AppState, bytes: &[u8]) -> Result<bool, ApiError> {
        let received = self.spool.written() + bytes.len() as u64;
        if received > self.granted {
            let granted = self.granted;
            return Err(ApiError::InvalidRequest(format!("{received} bytes were sent, but only {granted} were granted")));
        }
        self.spool.write(bytes).await?;
        self.overdue = Instant::now() + state.pace.idle_timeout;
        if self.granted < self.size && self.granted - received <= WINDOW_BYTES / 2 {
            self.granted = self.size.min(received + WINDOW_BYTES);
            return Ok(true);
        }
        Ok(received == self.size)
    }

    /// Whether all that was announced has arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.spool.written() == self.size
    }

    /// Makes a job of it.
    pub(super) async fn finish(mut self, state: &AppState, requester: &Requester) -> Result<Accepted, ApiError> {
        self.spool.finish().await?;
        let (filename, declared) = self.label;
        let recording = (Origin::Received(Box::new(self.spool), filename), declared);
        create::create(state, requester, self.admission, recording, self.request).await
    }
}
