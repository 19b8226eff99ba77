//! The reason why a job failed: a stable code, a sentence, and the stage.
//!
//! A variant of [`FailureCode`] is a code: its published name and the key of its message (`failure-` and the name) follow from
//! the variant's name, and its comment is its row in `docs/errors.md`. The words for people are in the message files.

use strum::{EnumMessage, EnumString, IntoStaticStr, VariantArray};

use super::stage::Stage;
use crate::tables;

/// The reason why a job failed, as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub code: FailureCode,
    /// For developers, in English; people get the message of the code.
    pub message: String,
    /// The stage in which it happened, if it was in one.
    pub stage: Option<Stage>,
}

/// The stable codes of failed jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumMessage, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// A stage failed on this recording, and the job is `strict`.
    ProcessingFailed,
    /// The recording cannot be decoded.
    InvalidAudio,
    /// The format of a dropped file is not supported.
    UnsupportedFormat,
    /// A dropped file is longer than `files.max_duration_seconds`.
    AudioTooLong,
    /// A dropped file contains no audio.
    AudioEmpty,
    /// A dropped file is larger than `files.max_size`.
    FileTooLarge,
    /// The `.json` beside a dropped file is not valid; `error.json` names every mistake.
    InvalidMetadata,
    /// The options in the `.json` beside a dropped file are not valid, and the rest of it is.
    InvalidOptions,
    /// A stage lacks its model or cannot process the language, and the job is `strict`.
    ModelUnavailable,
    /// The job took longer than `queue.task_timeout` and `queue.task_timeout_factor` allow, or the engine did not respond for
    /// `engine.stall_timeout`.
    Timeout,
    /// The server died on the recording `queue.max_attempts` times.
    CrashedRepeatedly,
    /// The server failed; the cause is in its log under the job id.
    InternalError,
}

impl FailureCode {
    /// All codes, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The code with this published name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// When a job fails with this code, for the documentation.
    pub fn meaning(self) -> String {
        tables::one_line(self.get_documentation().unwrap_or_default())
    }
}
