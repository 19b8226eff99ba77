//! Speaker diarization: who speaks when.
//!
//! Owns the way from samples to turns of numbered speakers. Two diarizers implement one trait: [`SegmentationDiarizer`]
//! with the segmentation model, [`VadDiarizer`] without it. Knows neither names of people nor words. Everything except
//! running the models is pure.

mod bisection;
mod calibration;
mod change_points;
mod channels;
mod checkpoint;
mod chunks;
mod cluster_pairs;
mod clustering;
mod clusters;
mod constraints;
mod line_directions;
mod linkage;
mod merging;
mod pair_evidence;
pub mod segmentation;
mod segmentation_diarizer;
mod speaker_voiceprints;
mod speech_regions;
mod stitching;
mod subsegments;
#[cfg(test)]
mod tests;
mod tonality;
mod turn_probability;
mod turns;
mod vad_diarizer;
mod viterbi;
mod voice_activity;

pub use channels::diarize_channels;
pub use segmentation_diarizer::{SegmentationDiarizer, SegmentationOptions};
pub use speech_regions::speech_regions;
pub use turn_probability::TurnProbability;
pub use turns::TurnSmoothing;
pub use vad_diarizer::VadDiarizer;

use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, SignalError};
use crate::context::JobContext;
use crate::stop::Stopped;
use crate::voiceprint::Voiceprint;

/// Index of a speaker in [`Diarization::speakers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeakerIndex(pub usize);

/// One speaker talking without a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechTurn {
    /// Start and end within the recording.
    pub span: TimeSpan,
    /// The speaker, as an index into [`Diarization::speakers`].
    pub speaker: SpeakerIndex,
    /// Mean probability that this speaker talks during the turn, 0 to 1.
    pub confidence: f32,
    /// The same probability for each tenth of a second.
    pub probability: TurnProbability,
}

impl SpeechTurn {
    /// Expected milliseconds of this speaker's speech within `span`: overlap times probability.
    #[must_use]
    pub fn expected(&self, span: TimeSpan) -> f64 {
        let even = || self.span.overlap(span).0 as f64 * f64::from(self.confidence);
        self.probability.expected(self.span, span).unwrap_or_else(even)
    }
}

/// A speaker found in the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct DiarizedSpeaker {
    /// Channel on which the speaker was found, if channels were diarized separately.
    pub channel: Option<u16>,
    /// Total duration of the speaker's turns.
    pub speech: Millis,
    /// The speaker's voiceprint; `None` if there was too little speech.
    pub voiceprint: Option<Voiceprint>,
}

/// Result of a diarization: speakers in order of their first turn, turns in order of time. Turns of different speakers
/// may overlap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diarization {
    /// Speakers in order of their first turn.
    pub speakers: Vec<DiarizedSpeaker>,
    /// Turns in order of time.
    pub turns: Vec<SpeechTurn>,
}

/// Bounds on the number of speakers; `1 <= min <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerCount {
    /// Minimum number of speakers.
    pub min: usize,
    /// Maximum number of speakers.
    pub max: usize,
}

impl SpeakerCount {
    /// No information: 1 to 20, the most that are ever searched for.
    pub const UNKNOWN: Self = Self { min: 1, max: 20 };

    /// A known number of speakers.
    #[must_use]
    pub const fn exactly(count: usize) -> Self {
        Self { min: count, max: count }
    }

    /// The number of speakers if it is known exactly.
    #[must_use]
    pub const fn given(self) -> Option<usize> {
        if self.min == self.max { Some(self.min) } else { None }
    }
}

/// Why a diarization failed.
#[derive(Debug, thiserror::Error)]
pub enum DiarizeError {
    /// The job was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The signal or its features cannot be read or stored.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A model failed; holds its error message.
    #[error("the diarization model failed: {0}")]
    Model(String),
}

/// Diarizes one signal at a time. A signal without speech gives no speakers and no turns.
pub trait Diarize: Send {
    /// Diarizes one signal, with the number of speakers within `count` where possible.
    ///
    /// # Errors
    /// When the job is stopped, or the signal or a model fails.
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError>;

    /// The models in use, for the published document: segmentation or voice activity first, then the speaker model.
    fn models(&self) -> Vec<crate::capabilities::ModelInfo>;
}
