//! The published result as types: what `GET /api/v1/jobs/{job_id}/result` answers and what lies in `result.json`.
//!
//! Field names are the public contract (`docs/api-specification.md`); times are in seconds, rounded to the millisecond. The
//! types are read as well as written: a result of any earlier version of this program can be read back, then exported or
//! edited. A field that later versions add needs `#[serde(default)]`, and what they change a higher [`FormatVersion`].
//!
//! Nothing here knows how a result is made (that is `annotate`), and no model, file or request.

pub mod export;
#[cfg(fuzzing)]
pub mod fuzzing;
mod result_file;
mod speech;
mod stages;
#[cfg(test)]
mod tests;
mod version;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use result_file::{ResultFile, ResultStatus};
pub use speech::{Candidate, Segment, Speaker, Turn, Word};
pub use stages::{ByStage, Model, StageReport, StageStatus};
pub use version::FormatVersion;

/// The annotation of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Result)]
pub struct Document {
    /// Version of this format; 1 where the field is missing.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1)]
    pub format_version: FormatVersion,
    /// The speakers, in the order of their first turn.
    pub speakers: Vec<Speaker>,
    /// The segments of all speakers in time order: the dialogue.
    pub segments: Vec<Segment>,
    /// The turns of all speakers as the diarization found them, with or without words.
    pub turns: Vec<Turn>,
    /// Facts about the recording and its processing.
    pub metadata: Metadata,
    /// The text of the whole recording; null without transcription.
    pub transcription: Option<Transcription>,
    /// Counts and durations over the whole recording.
    pub statistics: Statistics,
    /// A report for each stage, by its name.
    #[schema(value_type = std::collections::BTreeMap<String, StageReport>)]
    pub processing: ByStage<StageReport>,
}

/// Facts about the recording and its processing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ResultMetadata)]
pub struct Metadata {
    /// Duration of the recording in seconds.
    pub total_duration: f64,
    /// The number of speakers.
    pub speaker_count: usize,
    /// The number of words.
    pub word_count: usize,
    /// Mean confidence of the words, 0 to 1; 0 without words.
    pub confidence_average: f64,
    /// For each stage whether it completed, was skipped, or failed.
    #[schema(value_type = std::collections::BTreeMap<String, StageStatus>)]
    pub processing_stages: ByStage<StageStatus>,
    /// The main language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// Probability of the language, 0 to 1.
    pub language_confidence: Option<f64>,
    /// Properties of the recording's file.
    pub audio: AudioInfo,
    /// Limitations of this result, as sentences in English.
    pub warnings: Vec<String>,
}

/// Properties of the recording's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AudioInfo {
    pub format: String,
    pub codec: String,
    pub sample_rate: u32,
    pub channels: u16,
    pub duration: f64,
    pub size_bytes: u64,
    pub sha256: String,
}

/// The text of the whole recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcription {
    /// One line `[speaker]: text` for each segment.
    pub full_text: String,
    /// The main language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// Mean confidence of the words, 0 to 1.
    pub confidence: f64,
}

/// Counts and durations over the whole recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// The number of speakers.
    pub speaker_count: usize,
    /// The number of segments.
    pub segment_count: usize,
    /// The number of words.
    pub word_count: usize,
    /// Seconds in which at least one speaker talks.
    pub speech_seconds: f64,
    /// Seconds in which no speaker talks.
    pub silence_seconds: f64,
    /// Seconds in which two or more speakers talk.
    pub overlap_seconds: f64,
}
