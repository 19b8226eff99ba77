//! The one way from a recording to a job, whichever way the recording came: uploaded over HTTP or a WebSocket, or dropped into
//! `incoming/` and named by a request or found by the watched folder.
//!
//! The steps are the same for all: the size is checked, the file is identified, hashed, and a job is drafted and placed by
//! [`Lifecycle`]. A request gets a refusal for what is wrong ([`Intake::submit`]); a file that nobody waits for becomes a failed
//! job that says it ([`Intake::adopt`]). Intake knows neither requests nor when a dropped file has settled.

mod admission;
pub(crate) mod checks;
mod error;
pub(crate) mod fields;
mod identify;
mod request;

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

pub(crate) use admission::Admission;
pub(crate) use error::IntakeError;
pub(crate) use request::{InvalidRequest, JobRequest};

use crate::access::KeyId;
use crate::audio::decode::DecodeLimits;
use crate::audio::headerless::Headerless;
use crate::capabilities::EngineStatus;
use crate::jobs::options::JobOptions;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, Idempotency, Job};
use crate::lifecycle::{Accepted, Lifecycle, NewJob, Recording, Reservation, StoreError};
use crate::volume::{Arrival, Incoming};
pub(crate) use crate::volume::{Spool, SpoolError};

/// Files that are identified at once, at most: each takes a thread.
const MAX_PROBES: usize = 4;

/// The handle; clones share everything.
#[derive(Clone)]
pub struct Intake(Arc<Shared>);

struct Shared {
    parts: Parts,
    probes: Semaphore,
}

/// The parts that intake needs.
pub struct Parts {
    pub lifecycle: Lifecycle,
    /// The folder that recordings are dropped into.
    pub incoming: Incoming,
    /// Which stages can run.
    pub engine: EngineStatus,
    pub limits: Limits,
}

/// What a recording may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of the file (`files.max_size`).
    pub max_file_bytes: u64,
    pub decode: DecodeLimits,
}

/// Where the recording of a request is.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It was received, under this name.
    Received(Box<Spool>, String),
    /// It lies in `incoming/` under this name.
    Incoming(String),
}

/// A request for a job.
pub(crate) struct Submission {
    pub(crate) admission: Admission,
    pub(crate) owner: Option<KeyId>,
    pub(crate) origin: Origin,
    /// What the client says that samples without a header are.
    pub(crate) declared: Option<Headerless>,
    pub(crate) request: JobRequest,
}

/// A file that was dropped into `incoming/` and has settled.
pub(crate) struct DroppedFile {
    pub(crate) reservation: Reservation,
    pub(crate) arrival: Arrival,
    pub(crate) request: JobRequest,
    /// What is wrong with the request, which is then an empty one.
    pub(crate) flaw: Option<Failure>,
}

impl Intake {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared { parts, probes: Semaphore::new(MAX_PROBES) }))
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts().limits
    }

    /// Makes a job of a recording that a request brought or named. Repeated under one idempotency key, a request gets its first
    /// answer, whatever has changed since.
    pub(crate) async fn submit(&self, submission: Submission) -> Result<Accepted, IntakeError> {
        let lifecycle = &self.parts().lifecycle;
        let Submission { admission, owner, origin, declared, request } = submission;
        let fingerprint = |key: &String| Idempotency { key: key.clone(), fingerprint: fingerprint(&origin, declared, &request) };
        let idempotency = admission.key.as_ref().map(fingerprint);
        if let Some(asked) = &idempotency
            && let Some(made) = lifecycle.find_replay(owner.as_ref(), asked)?
        {
            return Ok(Accepted::Replayed(made));
        }
        self.check_models(&request.options)?;
        let name = match origin {
            Origin::Received(spool, filename) => {
                let recording = Recording::Spooled(spool);
                let new = self.examine(&recording, filename, declared, (request, owner, idempotency)).await?;
                return Ok(lifecycle.accept(admission.reservation, new, recording).await?);
            }
            Origin::Incoming(name) => name,
        };
        let asked = (request, owner.clone(), idempotency.clone());
        let refusal = match self.submit_named(admission.reservation, &name, declared, asked).await {
            Ok(accepted) => return Ok(accepted),
            Err(refusal) => refusal,
        };
        // Another request may have taken the file meanwhile; if it has the same key, its job is the answer to this one too.
        if let Some(asked) = &idempotency
            && let Some(made) = lifecycle.find_settled_replay(owner.as_ref(), asked).await?
        {
            return Ok(Accepted::Replayed(made));
        }
        let is_gone = matches!(self.parts().incoming.find(&name), Ok(None));
        Err(if is_gone { IntakeError::FileNotFound } else { refusal })
    }

    async fn submit_named(
        &self,
        reservation: Option<Reservation>,
        name: &str,
        declared: Option<Headerless>,
        asked: Asked,
    ) -> Result<Accepted, IntakeError> {
        let found = self.parts().incoming.find(name).map_err(StoreError::from)?;
        let arrival = found.ok_or(IntakeError::FileNotFound)?;
        let filename = fields::file_label(Some(&arrival.name()));
        let recording = Recording::Dropped(Box::new(arrival));
        let new = self.examine(&recording, filename, declared, asked).await?;
        Ok(self.parts().lifecycle.accept(reservation, new, recording).await?)
    }

    /// Identifies and hashes a recording, and drafts its job.
    async fn examine(
        &self,
        recording: &Recording,
        filename: String,
        declared: Option<Headerless>,
        (request, owner, idempotency): Asked,
    ) -> Result<NewJob, IntakeError> {
        let source = self.identify(recording, declared.or_else(|| Headerless::from_name(&filename))).await?;
        let sha256 = self.hash(recording).await?;
        Ok(request.draft(identify::describe(filename, recording.size(), sha256, &source), owner, idempotency))
    }

    /// Makes a job of a dropped file: a waiting one, or a failed one that says everything that is wrong with the file or its
    /// sidecar.
    ///
    /// # Errors
    /// When the file is not to blame; it then keeps or regains its name. `Missing` and `Busy` when it has changed meanwhile.
    pub(crate) async fn adopt(&self, file: DroppedFile) -> Result<Arc<Job>, StoreError> {
        let lifecycle = &self.parts().lifecycle;
        let DroppedFile { reservation, arrival, request, flaw } = file;
        let filename = fields::file_label(Some(&arrival.name()));
        let recording = Recording::Dropped(Box::new(arrival));
        let mut flaws = Vec::new();
        let identified = self.identify(&recording, Headerless::from_name(&filename)).await;
        let source = identified.map_err(|refusal| refusal.into_failure().map(|failure| flaws.push(failure)));
        let source = match source {
            Ok(source) => Some(source),
            Err(refused) => {
                refused?;
                None
            }
        };
        flaws.extend(flaw);
        if let Err(refusal) = self.check_models(&request.options) {
            flaws.push(refusal.into_failure()?);
        }
        // A file that is too large is not read.
        let is_read = recording.size() <= self.limits().max_file_bytes;
        let sha256 = if is_read { self.hash(&recording).await? } else { String::new() };
        let file = match &source {
            Some(source) => identify::describe(filename, recording.size(), sha256, source),
            None => identify::unknown(filename, recording.size(), sha256),
        };
        let new = request.draft(file, None, None);
        let message = flaws.iter().map(|flaw| flaw.message.as_str()).collect::<Vec<_>>().join("; ");
        match (flaws.into_iter().next(), recording) {
            (Some(first), Recording::Dropped(arrival)) => lifecycle.set_aside(new, Failure { message, ..first }, arrival).await,
            (_, recording) => match lifecycle.accept(Some(reservation), new, recording).await {
                Ok(Accepted::New(job) | Accepted::Replayed(job)) => Ok(job),
                Err(refusal) => Err(match IntakeError::from(refusal).into_failure() {
                    Ok(failure) => StoreError::Failed(failure.message),
                    Err(error) => error,
                }),
            },
        }
    }

    /// Refuses a strict job that is known beforehand to fail because a model is missing.
    pub(crate) fn check_models(&self, options: &JobOptions) -> Result<(), IntakeError> {
        if !options.strict {
            return Ok(());
        }
        let is_wanted = |stage: Stage| match stage {
            Stage::Diarization => options.diarize != Some(false),
            Stage::Recognition => options.recognize != Some(false) && options.diarize != Some(false),
            Stage::CarddavLookup => options.lookup_contacts == Some(true),
            Stage::Validation | Stage::Preprocessing | Stage::Transcription | Stage::Annotation => true,
        };
        let stages = self.parts().engine.stages().iter().filter(|info| is_wanted(info.stage));
        let mut missing = stages.filter_map(|info| info.missing.as_ref().map(|reason| (info.stage, reason.clone())));
        missing.next().map_or(Ok(()), |(stage, reason)| Err(IntakeError::ModelMissing { stage, reason }))
    }
}

/// What a request asks for, whose it is, and its idempotency key.
type Asked = (JobRequest, Option<KeyId>, Option<Idempotency>);

/// SHA-256 of a request in hexadecimal: two requests with one idempotency key are the same if it is the same.
fn fingerprint(origin: &Origin, declared: Option<Headerless>, request: &JobRequest) -> String {
    let recording = match origin {
        Origin::Received(spool, filename) => json!(["sent", filename, spool.sha256()]),
        Origin::Incoming(name) => json!(["taken", name]),
    };
    let mut digest = Sha256::new();
    digest.update(recording.to_string());
    if let Some(declared) = declared {
        digest.update(declared.media_type());
    }
    digest.update(&request.text);
    HEXLOWER.encode(&digest.finalize())
}
