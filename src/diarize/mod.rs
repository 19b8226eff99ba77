//! Who speaks when.
//!
//! Owns the way from samples to turns of numbered speakers. Two diarizers share one trait: [`SegmentedDiarizer`] with the
//! segmentation model, [`VoicedDiarizer`] without it. Names of people are not known here, nor words. All but running the models
//! is pure.

mod activity;
mod borders;
mod certainty;
mod channels;
mod checkpoint;
mod clustering;
mod finish;
mod groups;
mod linkage;
mod links;
pub mod segmentation;
mod segmented;
mod sliding;
mod speech;
mod stitching;
mod stretches;
#[cfg(test)]
mod tests;
mod tonality;
mod turns;
mod viterbi;
mod voiced;
mod voices;

pub use certainty::Certainty;
pub use channels::diarize_channels;
pub use segmented::{SegmentedDiarizer, SegmentedOptions};
pub use speech::speech_regions;
pub use turns::Tidying;
pub use voiced::VoicedDiarizer;

use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, SignalError};
use crate::context::JobContext;
use crate::stop::Stopped;
use crate::voiceprint::Voiceprint;

/// Which of the speakers of one [`Diarization`]: an index into `speakers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeakerIndex(pub usize);

/// One person speaking without a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechTurn {
    /// When.
    pub span: TimeSpan,
    /// Who.
    pub speaker: SpeakerIndex,
    /// Mean probability of this speaker over the turn, 0 to 1.
    pub confidence: f32,
    /// The same from moment to moment.
    pub certainty: Certainty,
}

impl SpeechTurn {
    /// For how many milliseconds of `span` this speaker is to be expected to speak: the overlap times the probability.
    #[must_use]
    pub fn expected(&self, span: TimeSpan) -> f64 {
        let even = || self.span.overlap(span).0 as f64 * f64::from(self.confidence);
        self.certainty.expected(self.span, span).unwrap_or_else(even)
    }
}

/// One of the people found.
#[derive(Debug, Clone, PartialEq)]
pub struct DiarizedSpeaker {
    /// The channel on which this person was found, when channels were diarized apart; else none.
    pub channel: Option<u16>,
    /// How long this person speaks.
    pub speech: Millis,
    /// The person's voice, when there was enough speech to take it from.
    pub voiceprint: Option<Voiceprint>,
}

/// Who speaks when: speakers in order of their first turn, turns in order of time. Turns of different speakers may overlap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diarization {
    /// The people.
    pub speakers: Vec<DiarizedSpeaker>,
    /// The turns.
    pub turns: Vec<SpeechTurn>,
}

/// What is known of the number of speakers beforehand. `min <= max`, both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerCount {
    /// At least so many.
    pub min: usize,
    /// At most so many.
    pub max: usize,
}

impl SpeakerCount {
    /// Nothing is known: one to the most that is ever looked for.
    pub const UNKNOWN: Self = Self { min: 1, max: 20 };

    /// Exactly so many.
    #[must_use]
    pub const fn exactly(count: usize) -> Self {
        Self { min: count, max: count }
    }

    /// The number, when it is given exactly.
    #[must_use]
    pub const fn given(self) -> Option<usize> {
        if self.min == self.max { Some(self.min) } else { None }
    }
}

/// Why there is no diarization.
#[derive(Debug, thiserror::Error)]
pub enum DiarizeError {
    /// The job was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The signal, or what was worked out of it, cannot be read or kept.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A model failed.
    #[error("the diarization model failed: {0}")]
    Model(String),
}

/// Finds out who speaks when on one signal. A signal without speech gives no speakers and no turns.
pub trait Diarize: Send {
    /// Diarizes one signal.
    ///
    /// # Errors
    /// When told to stop, or when a model fails.
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError>;

    /// The models in use, for the published document: segmentation or VAD first, then the voiceprint.
    fn models(&self) -> Vec<crate::capabilities::ModelInfo>;
}
