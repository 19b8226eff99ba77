//! The published document: the `result` of `GET /api/v1/jobs/{job_id}/result`. Field names are the public contract
//! (`docs/api-specification.md`); times are seconds, rounded to the millisecond.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::segments::Segment;
use super::speaker_id;
use super::stages::{StageReport, StageStatus};
use crate::audio::SourceInfo;
use crate::recognize::Candidate;
use crate::transcribe::Language;

/// An annotation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Result)]
pub struct Document {
    /// The people, in order of their first turn.
    pub speakers: Vec<PublishedSpeaker>,
    /// The dialogue in order of time.
    pub segments: Vec<PublishedSegment>,
    /// Who speaks when, as the diarization found it, words or not.
    pub turns: Vec<PublishedTurn>,
    /// About the recording and the work.
    pub metadata: Metadata,
    /// The text as a whole; none when nothing was transcribed.
    pub transcription: Option<Transcription>,
    /// Counts and lengths.
    pub statistics: Statistics,
    /// How each stage went.
    #[serde(serialize_with = "as_map")]
    #[schema(value_type = std::collections::BTreeMap<String, StageReport>)]
    pub processing: Vec<(&'static str, StageReport)>,
}

/// One of the people.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Speaker)]
pub struct PublishedSpeaker {
    /// `speaker_01`, ...
    pub speaker_id: String,
    /// A name, or `unknown`.
    pub identified_as: String,
    /// Of the identification, 0 to 1.
    pub confidence: f64,
    /// The file of the enrolled voice.
    pub voice_embedding_source: Option<String>,
    /// Whether the address book was asked.
    pub carddav_search_performed: bool,
    /// What to call this speaker in a text.
    pub label: String,
    /// The channel, when channels were taken apart.
    pub channel: Option<u16>,
    /// The role of the channel.
    pub role: Option<String>,
    /// Seconds of speech.
    pub total_duration: f64,
    /// From the address book.
    #[schema(value_type = Option<Object>)]
    pub contact: Option<Value>,
    /// The nearest enrolled voices, best first.
    pub candidates: Vec<PublishedCandidate>,
    /// What this person says.
    pub segments: Vec<PublishedSegment>,
}

/// An enrolled voice and how near it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct PublishedCandidate {
    /// The person.
    pub name: String,
    /// Cosine similarity.
    pub score: f64,
}

/// What one person says without a long pause.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Segment)]
pub struct PublishedSegment {
    /// Counts from 1 in order of time.
    pub id: usize,
    /// Who.
    pub speaker_id: String,
    /// The channel, when channels were taken apart.
    pub channel: Option<u16>,
    /// Seconds.
    pub start_time: f64,
    /// Seconds.
    pub end_time: f64,
    /// The words.
    pub text: String,
    /// Mean of the words.
    pub confidence: f64,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Whether others speak meanwhile.
    pub overlap: bool,
    /// Word by word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<PublishedWord>>,
}

/// One word.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Word)]
pub struct PublishedWord {
    /// With its punctuation.
    pub word: String,
    /// Seconds.
    pub start_time: f64,
    /// Seconds.
    pub end_time: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Who says it.
    pub speaker_id: String,
}

/// Somebody speaking without a pause.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Turn)]
pub struct PublishedTurn {
    /// Who.
    pub speaker_id: String,
    /// The channel, when channels were taken apart.
    pub channel: Option<u16>,
    /// Seconds.
    pub start_time: f64,
    /// Seconds.
    pub end_time: f64,
    /// 0 to 1.
    pub confidence: f64,
}

/// About the recording and the work.
#[derive(Debug, Clone, Serialize, ToSchema)]
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
    #[serde(serialize_with = "as_map")]
    #[schema(value_type = std::collections::BTreeMap<String, StageStatus>)]
    pub processing_stages: Vec<(&'static str, StageStatus)>,
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
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AudioInfo)]
pub struct AudioInfo {
    format: &'static str,
    codec: String,
    sample_rate: u32,
    channels: u16,
    duration: f64,
    size_bytes: u64,
    sha256: String,
}

impl AudioInfo {
    pub(super) fn new(source: &SourceInfo, size_bytes: u64, sha256: &str) -> Self {
        Self {
            format: source.format,
            codec: source.codec.clone(),
            sample_rate: source.sample_rate,
            channels: source.channels,
            duration: source.duration.as_seconds(),
            size_bytes,
            sha256: sha256.to_owned(),
        }
    }
}

/// The text as a whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Transcription)]
pub struct Transcription {
    /// `[speaker]: text` lines.
    pub full_text: String,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Mean of the words.
    pub confidence: f64,
}

/// Counts and lengths.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Statistics)]
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

pub(super) fn segment(id: usize, segment: &Segment, language: Option<&Language>, publish_words: bool) -> PublishedSegment {
    PublishedSegment {
        id,
        speaker_id: speaker_id(segment.speaker.0),
        channel: segment.channel,
        start_time: segment.span.start().as_seconds(),
        end_time: segment.span.end().as_seconds(),
        text: segment.text(),
        confidence: ratio(segment.confidence),
        language: language.map(|language| language.code.clone()),
        overlap: segment.overlap,
        words: publish_words.then(|| {
            segment
                .words
                .iter()
                .map(|word| PublishedWord {
                    word: word.word.text.clone(),
                    start_time: word.word.span.start().as_seconds(),
                    end_time: word.word.span.end().as_seconds(),
                    confidence: ratio(word.word.confidence),
                    speaker_id: speaker_id(word.speaker.0),
                })
                .collect()
        }),
    }
}

pub(super) fn candidate(candidate: &Candidate) -> PublishedCandidate {
    PublishedCandidate { name: candidate.name.clone(), score: (f64::from(candidate.score) * 1e4).round() / 1e4 }
}

/// A ratio as published: within 0 and 1, to four places.
pub(super) fn ratio(value: f32) -> f64 {
    if value.is_finite() { (f64::from(value.clamp(0.0, 1.0)) * 1e4).round() / 1e4 } else { 0.0 }
}

/// The mean of ratios; 0 of none.
pub(super) fn mean(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0f64, 0usize), |(sum, count), value| (sum + f64::from(value), count + 1));
    ratio(if count == 0 { 0.0 } else { (sum / count as f64) as f32 })
}

fn as_map<S: serde::Serializer, V: Serialize>(pairs: &[(&'static str, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
