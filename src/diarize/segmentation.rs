//! The segmentation model: activity of up to three local speakers in windows of ten seconds.
//!
//! Owns windows, frames and the powerset decoding. Speaker 1 of one window is unrelated to speaker 1 of the next;
//! [`super::clustering`] connects them.
//!
//! Source: A. Plaquet and H. Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization", 2023,
//! and the model card of pyannote segmentation-3.0.

use std::path::Path;

use super::DiarizeError;
use crate::audio::Audio;
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::inference::{InferenceError, Lanes, Session};
use crate::jobs::stage::Stage;

/// Samples per window (10 s).
pub const WINDOW: usize = 160_000;
/// Samples between frames (16.9 ms).
pub const STEP: usize = 270;
/// Receptive field of a frame, in samples.
pub const RECEPTIVE_FIELD: usize = 991;
/// Maximum local speakers per window.
pub const SLOTS: usize = 3;
/// Active speakers of each class as a bit mask, in the model's order: none, 1, 2, 3, 1+2, 1+3, 2+3.
const POWERSET: [u8; 7] = [0b000, 0b001, 0b010, 0b100, 0b011, 0b101, 0b110];
/// Windows per run of the model. A recurrent layer reads all its weights at every frame, so that windows side by side cost less
/// than one after the other; with more, the values take more memory (20 MB for four after the first layer).
const BATCH: usize = 4;
/// Windows run between two checks of the stop signal.
const BLOCK: usize = 4 * BATCH;

/// The model's output for one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// First sample of the window in the recording.
    pub start: usize,
    /// Active local speakers of each frame, bit `k` for speaker `k`.
    pub active: Vec<u8>,
    /// For each frame, the probability of each local speaker in units of 1/255.
    pub probability: Vec<[u8; SLOTS]>,
}

impl Window {
    /// True if local speaker `slot` is the only one active in a frame.
    #[must_use]
    pub fn is_alone(&self, frame: usize, slot: usize) -> bool {
        self.active[frame] == 1 << slot
    }

    /// Frame of the whole recording that is nearest to the window's first frame.
    #[must_use]
    pub fn first_global_frame(&self) -> usize {
        (self.start + RECEPTIVE_FIELD / 2 + STEP / 2) / STEP
    }

    /// Sample of the recording on which a frame of the window is centred.
    #[must_use]
    pub fn centre(&self, frame: usize) -> usize {
        self.start + frame * STEP + RECEPTIVE_FIELD / 2
    }
}

/// A loaded segmentation model.
#[derive(Debug)]
pub struct Segmentation {
    session: Session,
    name: String,
    license: Option<&'static str>,
}

impl Segmentation {
    /// Loads the model and checks its inputs and outputs.
    ///
    /// # Errors
    /// When the file cannot be read or is another kind of model.
    pub fn load(path: &Path, lanes: &Lanes) -> Result<Self, InferenceError> {
        let session = Session::load(path, lanes)?;
        let (inputs, outputs) = (session.inputs(), session.outputs());
        let fits = matches!(&inputs[..], [input] if input.name == "x" && input.shape.len() == 3 && input.shape[1].is_none_or(|n| n == 1))
            && matches!(&outputs[..], [output] if output.name == "y" && output.shape.last() == Some(&Some(POWERSET.len())));
        if !fits {
            let expected = "expected a powerset segmentation model: input `x` [N, 1, T], output `y` [N, frames, 7]";
            return Err(InferenceError::Invalid(expected.to_owned()));
        }
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok(Self { session, name, license: None })
    }

    /// Sets the licence of the model, as an SPDX identifier; the file does not contain it.
    pub(super) fn set_license(&mut self, license: Option<&'static str>) {
        self.license = license;
    }

    /// The model's entry in the published document.
    #[must_use]
    pub fn info(&self) -> ModelInfo {
        ModelInfo { name: self.name.clone(), framework: "rten", device: "cpu", license: self.license }
    }

    /// Runs the model over windows every `hop` samples and reports progress up to `share` percent of the stage.
    ///
    /// # Errors
    /// When the job is stopped, or the signal or the model fails.
    pub fn windows(&self, ctx: &JobContext, audio: &Audio, hop: usize, share: usize) -> Result<Vec<Window>, DiarizeError> {
        let starts = window_starts(audio.len(), hop);
        let mut windows = Vec::with_capacity(starts.len());
        for block in starts.chunks(BLOCK) {
            ctx.check()?;
            let batches: Vec<&[usize]> = block.chunks(BATCH).collect();
            for answers in self.session.lanes().map(&batches, |lane, starts| self.batch(lane, audio, starts)) {
                windows.extend(answers?);
            }
            ctx.report_part(Stage::Diarization, windows.len() * share, starts.len() * 100);
        }
        Ok(windows)
    }

    /// Windows of one length: only the single window of a short recording is shorter than [`WINDOW`].
    fn batch(&self, lane: usize, audio: &Audio, starts: &[usize]) -> Result<Vec<Window>, DiarizeError> {
        let length = audio.len().clamp(2 * RECEPTIVE_FIELD, WINDOW);
        let mut input = Vec::with_capacity(starts.len() * length);
        for (index, start) in starts.iter().enumerate() {
            input.extend_from_slice(&audio.read(*start..start + length)?);
            input.resize((index + 1) * length, 0.0);
        }
        let answer = self.session.run(lane, ("x", &[starts.len(), 1, length], &input), "y");
        let values = answer.map_err(|error| DiarizeError::Model(error.to_string()))?.values;
        let decoded = |(start, values): (&usize, &[f32])| {
            let (active, probability) = values.chunks_exact(POWERSET.len()).map(decode).unzip();
            Window { start: *start, active, probability }
        };
        Ok(starts.iter().zip(values.chunks_exact((values.len() / starts.len()).max(1))).map(decoded).collect())
    }
}

/// Start samples of the windows: one every `hop` samples, and a last one that ends with the recording.
fn window_starts(samples: usize, hop: usize) -> Vec<usize> {
    if samples <= WINDOW {
        return vec![0];
    }
    let last = samples - WINDOW;
    let mut starts: Vec<usize> = (0..=last).step_by(hop.max(STEP)).collect();
    if starts.last().is_some_and(|start| *start < last) {
        starts.push(last);
    }
    starts
}

/// The active speakers of the most probable class, and each speaker's probability summed over classes.
fn decode(log_probabilities: &[f32]) -> (u8, [u8; SLOTS]) {
    let mut best = 0;
    let mut sums = [0.0_f32; SLOTS];
    for (class, value) in log_probabilities.iter().enumerate() {
        if *value > log_probabilities[best] {
            best = class;
        }
        for (slot, sum) in sums.iter_mut().enumerate() {
            if POWERSET[class] >> slot & 1 == 1 {
                *sum += value.exp();
            }
        }
    }
    (POWERSET[best], sums.map(|sum| (sum.clamp(0.0, 1.0) * 255.0).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_ends_with_the_recording() {
        assert_eq!(window_starts(0, 16_000), [0]);
        assert_eq!(window_starts(160_000, 16_000), [0]);
        assert_eq!(window_starts(170_000, 16_000), [0, 10_000]);
        assert_eq!(window_starts(192_000, 16_000), [0, 16_000, 32_000]);
    }

    #[test]
    fn classes_are_decoded_in_the_order_of_the_model() {
        let likely = |class: usize| {
            let mut values = [-9.0; 7];
            values[class] = -0.01;
            decode(&values)
        };
        assert_eq!((0..7).map(|class| likely(class).0).collect::<Vec<_>>(), [0, 1, 2, 4, 3, 5, 6]);
        assert_eq!(likely(5).1[0], 253);
        assert!(likely(5).1[1] < 2);
    }
}
