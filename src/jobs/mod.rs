//! What a job is: its identity, its states and their ways out, the queue, and progress. No HTTP, no audio, no files.

pub mod estimate;
pub mod options;
pub mod progress;
pub mod registry;
pub mod stage;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use options::JobOptions;
use progress::Progress;
use stage::Stage;

/// Names a job; also the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A new random identifier.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
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
    /// In bytes.
    pub size_bytes: u64,
    /// The container.
    pub format: String,
    /// The codec.
    pub codec: String,
    /// In Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// In seconds.
    pub duration_seconds: f64,
    /// Of the bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// A recording on its way to an annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// The recording.
    pub file: FileInfo,
    /// What the client said about the call; kept and returned.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What the client asked for.
    pub options: JobOptions,
    /// 1 (lowest) to 10.
    pub priority: u8,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// Grows with every job accepted: the order of arrival.
    pub sequence: u64,
    /// How often it was begun and not ended.
    pub attempts: u32,
    /// Where it stands.
    pub state: JobState,
}

/// Where a job stands, with what belongs to that.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Waiting.
    Queued,
    /// Being worked on.
    Processing {
        /// Since when.
        started_at: DateTime<Utc>,
        /// How far.
        progress: Progress,
    },
    /// There is a result.
    Completed {
        /// Start of the attempt that succeeded.
        started_at: DateTime<Utc>,
        /// When the result was ready.
        finished_at: DateTime<Utc>,
    },
    /// There is none, and this is why.
    Failed {
        /// Start of the last attempt, if it came to one.
        started_at: Option<DateTime<Utc>>,
        /// When it failed.
        finished_at: DateTime<Utc>,
        /// Why.
        failure: Failure,
        /// How far it had come, while this server remembers.
        progress: Option<Progress>,
    },
}

impl JobState {
    /// The published name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing { .. } => "processing",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it ended.
    pub const fn finished_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued | Self::Processing { .. } => None,
            Self::Completed { finished_at, .. } | Self::Failed { finished_at, .. } => Some(*finished_at),
        }
    }

    /// Whether it will not change any more.
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::Queued | Self::Processing { .. } => false,
            Self::Completed { .. } | Self::Failed { .. } => true,
        }
    }
}

/// Why a job failed, as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: FailureCode,
    /// For people.
    pub message: String,
    /// Where it happened, when it was in a stage.
    pub stage: Option<Stage>,
}

/// The stable codes of failed jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCode {
    /// An engine failed on this recording.
    ProcessingFailed,
    /// The recording cannot be decoded.
    InvalidAudio,
    /// A model is missing, and the job is strict.
    ModelUnavailable,
    /// It took longer than the settings allow.
    Timeout,
    /// The server died on it again and again.
    CrashedRepeatedly,
    /// A fault of the server.
    InternalError,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 6] = [
        Self::ProcessingFailed,
        Self::InvalidAudio,
        Self::ModelUnavailable,
        Self::Timeout,
        Self::CrashedRepeatedly,
        Self::InternalError,
    ];

    /// The published code.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProcessingFailed => "PROCESSING_FAILED",
            Self::InvalidAudio => "INVALID_AUDIO",
            Self::ModelUnavailable => "MODEL_UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
            Self::CrashedRepeatedly => "CRASHED_REPEATEDLY",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    /// The code of a published name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}
