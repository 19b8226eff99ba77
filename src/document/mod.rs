//! The published result as types: what `GET /api/v1/jobs/{job_id}/result` answers and what lies in `result.json`.
//!
//! Field names are the public contract (`docs/api-specification.md`); times are in seconds, rounded to the millisecond. The
//! types are read as well as written: a result of any earlier version of this program can be read back, then exported or
//! edited. A field that later versions add needs `#[serde(default)]`, and what they change a higher [`FormatVersion`].
//!
//! Nothing here knows how a result is made (that is `annotate`), and no model, file or request.

pub mod export;
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

/// An annotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Result)]
pub struct Document {
    /// Version of this format; 1 where the field is missing.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1)]
    pub format_version: FormatVersion,
    /// The people, in order of their first turn.
    pub speakers: Vec<Speaker>,
    /// The dialogue in order of time.
    pub segments: Vec<Segment>,
    /// Who speaks when, as the diarization found it, words or not.
    pub turns: Vec<Turn>,
    /// About the recording and the work.
    pub metadata: Metadata,
    /// The text as a whole; none when nothing was transcribed.
    pub transcription: Option<Transcription>,
    /// Counts and lengths.
    pub statistics: Statistics,
    /// How each stage went.
    #[schema(value_type = std::collections::BTreeMap<String, StageReport>)]
    pub processing: ByStage<StageReport>,
}

/// About the recording and the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ResultMetadata)]
pub struct Metadata {
    /// Seconds.
    pub total_duration: f64,
    /// How many people.
    pub speaker_count: usize,
    /// How many words.
    pub word_count: usize,
    /// Mean confidence of the words, 0 to 1; 0 without words.
    pub confidence_average: f64,
    /// Stage to `completed`, `skipped` or `failed`.
    #[schema(value_type = std::collections::BTreeMap<String, StageStatus>)]
    pub processing_stages: ByStage<StageStatus>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// 0 to 1.
    pub language_confidence: Option<f64>,
    /// The file.
    pub audio: AudioInfo,
    /// What a reader has to know.
    pub warnings: Vec<String>,
}

/// The file.
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

/// The text as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcription {
    /// `[speaker]: text` lines.
    pub full_text: String,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Mean of the words.
    pub confidence: f64,
}

/// Counts and lengths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// How many people.
    pub speaker_count: usize,
    /// How many segments.
    pub segment_count: usize,
    /// How many words.
    pub word_count: usize,
    /// Somebody speaks.
    pub speech_seconds: f64,
    /// Nobody speaks.
    pub silence_seconds: f64,
    /// Two or more speak.
    pub overlap_seconds: f64,
}
