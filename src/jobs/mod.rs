//! What a job is: its identity, options, states, events, progress, estimates, and the rules of retention. Values and pure
//! functions only: no HTTP, no audio, no files. The jobs themselves are kept by [`crate::lifecycle`].

pub mod estimate;
pub mod events;
mod failure;
pub mod options;
pub mod progress;
pub mod retention;
pub mod stage;
mod state;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use failure::{Failure, FailureCode};
pub use state::JobState;

use crate::access::KeyId;
use crate::media::SourceInfo;
use options::JobOptions;

/// Identifies a job; also the name of its folder on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A new random identifier.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl From<JobId> for Uuid {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The text is no UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a job id")]
pub struct InvalidJobId;

impl FromStr for JobId {
    type Err = InvalidJobId;

    /// Takes the hyphenated form alone, so that one job has one URL and one folder name.
    fn from_str(text: &str) -> Result<Self, InvalidJobId> {
        let uuid = Uuid::try_parse(text).map_err(|_| InvalidJobId)?;
        if text.len() == 36 && text == uuid.hyphenated().to_string() { Ok(Self(uuid)) } else { Err(InvalidJobId) }
    }
}

/// The recording as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct FileInfo {
    /// A label only; never a path.
    pub filename: String,
    pub size_bytes: u64,
    /// What it was identified as.
    pub source: SourceInfo,
    /// SHA-256 of the file in lower-case hexadecimal; empty for a dropped file that is too large to be read.
    pub sha256: String,
}

/// A recording on its way to an annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub file: FileInfo,
    /// Facts about the call from the client; kept and returned as they are.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    pub options: JobOptions,
    /// 1 (lowest) to 10.
    pub priority: u8,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// Grows with every job accepted: the order of creation.
    pub sequence: u64,
    /// Its place in the queue among jobs of its priority: the sequence, or a later number for a job that is tried again.
    pub arrival: u64,
    /// Number of attempts that were started and not put back.
    pub attempts: u32,
    /// The key that made it; none where no keys are required. Only this key and administrators see the job.
    pub owner: Option<KeyId>,
    /// The idempotency key of the request that made it.
    pub idempotency: Option<Idempotency>,
    /// Estimated processing time when it was accepted, in seconds.
    pub estimated_seconds: f64,
    /// The number of its last event.
    pub last_event: u64,
    pub state: JobState,
}

/// The idempotency key of a request, with a fingerprint of the request: repeated, it makes no second job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key as the client sent it.
    pub key: String,
    /// SHA-256 of the request in lower-case hexadecimal.
    pub fingerprint: String,
}
