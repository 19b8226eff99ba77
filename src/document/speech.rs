//! The conversation as published: speakers, their segments and words, and the turns of the diarization.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A speaker of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Speaker {
    /// The id, `speaker_01` and so on, in the order of the first turn.
    pub speaker_id: String,
    /// The recognized person's name, or `unknown`.
    pub identified_as: String,
    /// Confidence of the identification, 0 to 1.
    pub confidence: f64,
    /// Path of the recognized voice's file, relative to the volume.
    pub voice_embedding_source: Option<String>,
    /// Whether an address book was searched.
    pub carddav_search_performed: bool,
    /// The label of this speaker in texts: name, role or id.
    pub label: String,
    /// The channel, from 0; null unless channels were processed separately.
    pub channel: Option<u16>,
    /// The role that the job gave to this channel.
    pub role: Option<String>,
    /// Duration of this speaker's speech in seconds.
    pub total_duration: f64,
    /// The matching entry of the address book.
    #[schema(value_type = Option<Object>)]
    pub contact: Option<Value>,
    /// The most similar enrolled voices, best first.
    pub candidates: Vec<Candidate>,
    /// The segments of this speaker, in time order.
    pub segments: Vec<Segment>,
}

/// An enrolled voice with its similarity to the speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// Name of the enrolled person.
    pub name: String,
    /// Cosine similarity, -1 to 1.
    pub score: f64,
}

/// What one speaker says without a long pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Segment {
    /// Number of the segment, from 1 in time order.
    pub id: usize,
    /// The id of the speaker.
    pub speaker_id: String,
    /// The channel, from 0; null unless channels were processed separately.
    pub channel: Option<u16>,
    /// Start in seconds from the beginning of the recording.
    pub start_time: f64,
    /// End in seconds from the beginning of the recording.
    pub end_time: f64,
    /// The words, joined by spaces.
    pub text: String,
    /// Mean confidence of the words, 0 to 1; without words, the confidence of the turn.
    pub confidence: f64,
    /// The language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// Whether other speakers talk at the same time.
    pub overlap: bool,
    /// The words one by one; missing when the job did not ask for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<Word>>,
}

/// A word of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The word with its punctuation.
    pub word: String,
    /// Start in seconds from the beginning of the recording.
    pub start_time: f64,
    /// End in seconds from the beginning of the recording.
    pub end_time: f64,
    /// Mean probability of the word's tokens, 0 to 1.
    pub confidence: f64,
    /// The id of the speaker.
    pub speaker_id: String,
}

/// A speaker talking without a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The id of the speaker.
    pub speaker_id: String,
    /// The channel, from 0; null unless channels were processed separately.
    pub channel: Option<u16>,
    /// Start in seconds from the beginning of the recording.
    pub start_time: f64,
    /// End in seconds from the beginning of the recording.
    pub end_time: f64,
    /// Confidence of the turn, 0 to 1.
    pub confidence: f64,
}
