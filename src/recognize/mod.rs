//! Speaker recognition: compares the speakers of a recording with the enrolled voices.
//!
//! Recognition is open-set: "unknown" is a valid and the most common answer. A voice is assigned to at most one speaker of a
//! recording. Voices are read again for each recording, so a voice that is enrolled now is used from the next job on.

mod library;
mod matching;

use std::path::PathBuf;

pub use library::{InvalidVoice, Library, Voice};
pub use matching::{Candidate, Identity, identify};

use crate::capabilities::ModelInfo;
use crate::voiceprint::{FeatureKind, Voiceprint, VoiceprintModel};

/// The least cosine similarity for recognition with GE2E models. A wrong name is worse than none.
///
/// It is far above the equal-error threshold of full utterances (0.50 to 0.53, see docs/models.md). On five readers of LibriSpeech
/// different voices reach 0.42 and the same voice 0.71 to 0.79. But a stranger whose voice was synthesised like an enrolled one
/// reaches 0.71 in telephone band, and the same voice enrolled in telephone band 0.88 and more.
const THRESHOLD_GE2E: f32 = 0.72;
/// The same for the built-in voiceprint. Its statistics depend on the line as much as on the speaker: in telephone band any two
/// voices reach 0.88. With this threshold a voice is recognized only on the line on which it was enrolled.
const THRESHOLD_MFCC: f32 = 0.9;
/// The same for networks on 80 bands, chosen with CAM++: on the development half one pair of strangers in a thousand reaches 0.56
/// on two to four seconds of telephone speech, and less in all other conditions (docs/benchmarks.md).
const THRESHOLD_FBANK: f32 = 0.60;

/// The least cosine similarity at which a voice is recognized, for a kind of speaker model.
#[must_use]
pub const fn default_threshold(kind: FeatureKind) -> f32 {
    match kind {
        FeatureKind::Mel40 => THRESHOLD_GE2E,
        FeatureKind::Mfcc40 => THRESHOLD_MFCC,
        FeatureKind::Fbank80(_) => THRESHOLD_FBANK,
    }
}

/// Recognizes enrolled voices in a recording.
#[derive(Debug)]
pub struct Recognizer {
    folder: PathBuf,
    model: ModelInfo,
    threshold: f32,
}

/// The identities of the speakers of one recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognition {
    /// One for each speaker, in the same order.
    pub identities: Vec<Identity>,
    /// Sentences about voices that could not be used.
    pub warnings: Vec<String>,
}

impl Recognizer {
    /// A recognizer for the voices in `folder` and voiceprints of this model. `threshold` (-1 to 1) replaces the model's own.
    #[must_use]
    pub fn new(folder: PathBuf, voiceprint: &VoiceprintModel, threshold: Option<f32>) -> Self {
        let threshold = threshold.unwrap_or_else(|| default_threshold(voiceprint.kind()));
        Self { folder, model: voiceprint.info(), threshold }
    }

    /// Identifies the speakers of a recording. A speaker without a voiceprint stays unknown.
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

    /// The speaker model whose voiceprints are compared.
    #[must_use]
    pub fn model(&self) -> ModelInfo {
        self.model.clone()
    }
}
