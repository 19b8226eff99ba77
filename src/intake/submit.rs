//! Creating a job from a recording that a request uploaded or named. Any problem is a refusal.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::admission::Admission;
use super::error::IntakeError;
use super::identify::Identified;
use super::request::JobRequest;
use super::{Intake, fields};
use crate::access::KeyId;
use crate::audio::decode::DecodeError;
use crate::jobs::{FileInfo, Idempotency};
use crate::lifecycle::{Accepted, NewJob, Recording, Seat, StoreError};
use crate::media::Headerless;
use crate::volume::Spool;

/// Where the recording of a request is.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It was received, under this name.
    Received(Box<Spool>, String),
    /// It is a file in `incoming/` with this name.
    Incoming(String),
}

/// A request for a job.
pub(crate) struct Submission {
    pub(crate) admission: Admission,
    pub(crate) owner: Option<KeyId>,
    pub(crate) origin: Origin,
    /// The format of samples without a header, as the client declared it.
    pub(crate) declared: Option<Headerless>,
    pub(crate) request: JobRequest,
}

impl Intake {
    /// Creates a job from a recording that a request uploaded or named. A request that is repeated with its idempotency key gets
    /// its first answer again, whatever has changed since.
    pub(crate) async fn submit(&self, submission: Submission) -> Result<Accepted, IntakeError> {
        let lifecycle = &self.parts().lifecycle;
        let Submission { admission, owner, origin, declared, request } = submission;
        if let Origin::Received(spool, _) = &origin
            && spool.written() == 0
        {
            return Err(DecodeError::Empty.into());
        }
        let fingerprint = |key: &String| Idempotency { key: key.clone(), fingerprint: fingerprint(&origin, declared, &request) };
        let idempotency = admission.key.as_ref().map(fingerprint);
        if let Some(asked) = &idempotency
            && let Some(made) = lifecycle.find_replay(owner.as_ref(), asked)?
        {
            return Ok(Accepted::Replayed(made));
        }
        let name = match origin {
            Origin::Received(spool, filename) => {
                self.check_models(&request.options)?;
                let recording = Recording::Spooled(spool);
                let new = self.examine(&recording, filename, declared, (request, owner, idempotency)).await?;
                return Ok(lifecycle.accept(admission.seat, new, recording).await?);
            }
            Origin::Incoming(name) => name,
        };
        let asked = (request, owner.clone(), idempotency.clone());
        let refusal = match self.submit_named(admission.seat, &name, declared, asked).await {
            Ok(accepted) => return Ok(accepted),
            Err(refusal) => refusal,
        };
        // Another request may have taken the file meanwhile; with the same key, its job also answers this one.
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
        seat: Seat,
        name: &str,
        declared: Option<Headerless>,
        asked: Asked,
    ) -> Result<Accepted, IntakeError> {
        self.check_models(&asked.0.options)?;
        let found = self.parts().incoming.find(name).map_err(StoreError::from)?;
        let arrival = found.ok_or(IntakeError::FileNotFound)?;
        let filename = fields::file_label(Some(&arrival.name()));
        let recording = Recording::Dropped(Box::new(arrival));
        let new = self.examine(&recording, filename, declared, asked).await?;
        Ok(self.parts().lifecycle.accept(seat, new, recording).await?)
    }

    /// Identifies and hashes a recording, and drafts its job.
    async fn examine(
        &self,
        recording: &Recording,
        filename: String,
        declared: Option<Headerless>,
        (request, owner, idempotency): Asked,
    ) -> Result<NewJob, IntakeError> {
        let Identified { source, file } = self.identify(recording, declared.or_else(|| Headerless::from_name(&filename))).await;
        let source = source?;
        let sha256 = self.hash(recording, file).await?;
        let file = FileInfo { filename, size_bytes: recording.size(), source, sha256 };
        Ok(request.draft(file, owner, idempotency))
    }
}

/// The requested job, its owner, and the idempotency key.
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
