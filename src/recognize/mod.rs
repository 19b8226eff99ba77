//! Whose voice it is: the speakers of a recording compared with the enrolled voices.
//!
//! Open-set: "unknown" is an answer, and the usual one. A voice is given to one speaker of a recording at most. What is
//! enrolled is read anew for each recording, so a voice that was put there counts from the next one on.

mod library;
mod matching;

use std::path::PathBuf;

pub use library::{InvalidVoice, Library, Voice};
pub use matching::{Candidate, Identity, identify};

use crate::capabilities::ModelInfo;
use crate::voiceprint::{FeatureKind, Voiceprint, VoiceprintModel};

/// Least cosine for a known voice, by the features of the speaker model. A wrong name is worse than none.
///
/// GE2E: far above the equal-error threshold of full utterances (0.50 to 0.53, see docs/models.md). On five readers of LibriSpeech
/// different voices reach 0.42 and the same voice 0.71 to 0.79; but a stranger whose voice was synthesised like an enrolled one
/// reaches 0.71 on the telephone, and the same voice enrolled in the telephone's band 0.88 and more.
const THRESHOLD_GE2E: f32 = 0.72;
/// The statistics of the built-in voiceprint see the line as much as the speaker: on the telephone any two voices reach 0.88. With
/// this threshold it names a voice on the line it was enrolled on, and nobody else.
const THRESHOLD_MFCC: f32 = 0.9;
/// Networks of the ResNet kind: not measured here. Their makers give 0.3 to 0.5 for equal errors; a wrong name is worse than none.
const THRESHOLD_FBANK: f32 = 0.65;

/// Compares voices.
#[derive(Debug)]
pub struct Recognizer {
    folder: PathBuf,
    model: ModelInfo,
    threshold: f32,
}

/// What was found out about the speakers of one recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognition {
    /// One a speaker, in their order.
    pub identities: Vec<Identity>,
    /// Voices that could not be used.
    pub warnings: Vec<String>,
}

impl Recognizer {
    /// With the voices in `folder` and voiceprints of this model; `threshold` instead of the model's own.
    #[must_use]
    pub fn new(folder: PathBuf, voiceprint: &VoiceprintModel, threshold: Option<f32>) -> Self {
        let own = match voiceprint.kind() {
            FeatureKind::Mel40 => THRESHOLD_GE2E,
            FeatureKind::Mfcc40 => THRESHOLD_MFCC,
            FeatureKind::Fbank80(_) => THRESHOLD_FBANK,
        };
        Self { folder, model: voiceprint.info(), threshold: threshold.unwrap_or(own) }
    }

    /// Names the speakers that are known. A speaker without a voiceprint is unknown.
    #[must_use]
    pub fn recognize(&self, speakers: &[Option<Voiceprint>]) -> Recognition {
        let Library { voices, mut warnings } = Library::read(&self.folder);
        let others = voices.iter().filter(|voice| voice.model != self.model.name).count();
        if others > 0 {
            warnings.push(format!(
                "{others} enrolled voices are of another speaker model than {} and were not compared",
                self.model.name
            ));
        }
        Recognition { identities: identify(speakers, &voices, self.threshold), warnings }
    }

    /// The model whose voiceprints are compared.
    #[must_use]
    pub fn model(&self) -> ModelInfo {
        self.model.clone()
    }
}
