//! Errors of loading and running speaker models.

use crate::audio::SignalError;
use crate::inference::InferenceError;

/// Why a speaker model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum VoiceprintError {
    /// The model file cannot be loaded, or running the model failed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The file is a valid model, but not a supported kind of speaker model.
    #[error(
        "not a speaker model that is known: its inputs are {inputs}; expected `mfcc` [N, T, 40] with output `embedding`, \
         `mel` [N, T, 40] with outputs `embedding` and `speaker`, or one of [N, T, 80] with one output"
    )]
    UnknownKind {
        /// Names and shapes of the model's inputs.
        inputs: String,
    },
    /// The model expects another sample rate than 16 kHz; holds the rate in Hz as the file states it.
    #[error("the speaker model is for {0} samples a second, not 16000")]
    SampleRate(String),
    /// The feature frames cannot be read back from the disk.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The output is not one embedding per speaker; holds the number of values returned.
    #[error("the speaker model gave {0} values for one voice")]
    Answer(usize),
}
