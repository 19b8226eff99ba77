//! Why a speaker model cannot be loaded, or gives no voiceprint.

use crate::audio::SignalError;
use crate::inference::InferenceError;

/// Why a speaker model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VoiceprintError {
    /// The file or a run of it failed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The file is a model, but none that is known here.
    #[error(
        "not a speaker model that is known: its inputs are {inputs}; expected `mfcc` [N, T, 40] with output `embedding`, \
         `mel` [N, T, 40] with outputs `embedding` and `speaker`, or one of [N, T, 80] with one output"
    )]
    UnknownKind {
        /// The inputs it has.
        inputs: String,
    },
    /// A network for recordings of another kind.
    #[error("the speaker model is for {0} samples a second, not 16000")]
    SampleRate(String),
    /// The frames cannot be read.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The model answered with something that is no voiceprint.
    #[error("the speaker model gave {0} values for one voice")]
    Answer(usize),
}
