//! Why a job failed: a stable code, a sentence, and the stage.

use super::stage::Stage;

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
    /// The file is no recording of a kind that is known.
    UnsupportedFormat,
    /// The recording is longer than the settings allow.
    AudioTooLong,
    /// The recording holds no sound.
    AudioEmpty,
    /// The file is larger than the settings allow.
    FileTooLarge,
    /// What stands beside the recording about the call is not valid.
    InvalidMetadata,
    /// What stands beside the recording about the work is not valid.
    InvalidOptions,
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
    pub const ALL: [Self; 12] = [
        Self::ProcessingFailed,
        Self::InvalidAudio,
        Self::UnsupportedFormat,
        Self::AudioTooLong,
        Self::AudioEmpty,
        Self::FileTooLarge,
        Self::InvalidMetadata,
        Self::InvalidOptions,
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
            Self::UnsupportedFormat => "UNSUPPORTED_FORMAT",
            Self::AudioTooLong => "AUDIO_TOO_LONG",
            Self::AudioEmpty => "AUDIO_EMPTY",
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::InvalidMetadata => "INVALID_METADATA",
            Self::InvalidOptions => "INVALID_OPTIONS",
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
