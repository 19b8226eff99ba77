//! The conversation as published: speakers, their segments and words, and the turns of the diarization.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One of the people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Speaker {
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
    pub candidates: Vec<Candidate>,
    /// What this person says.
    pub segments: Vec<Segment>,
}

/// An enrolled voice and how near it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The person.
    pub name: String,
    /// Cosine similarity.
    pub score: f64,
}

/// What one person says without a long pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Segment {
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
    pub words: Option<Vec<Word>>,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
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
