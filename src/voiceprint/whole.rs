//! Voiceprints from networks on 80 bands (`fbank80-kaldi`): WeSpeaker's, 3D-Speaker's, and those prepared for sherpa-onnx.
//!
//! Owns how such a network says what it wants, and the two ways in which it is run: its trunk once over the recording where
//! it has one that can be told from its pooling ([`super::columns`]), else on the frames of each voice, closed up.
//!
//! Sources: the exporters of WeSpeaker (input `feats`, Hamming's window, 16-bit samples) and of 3D-Speaker (inputs `feature`
//! and, through sherpa-onnx, `x`; Povey's window, samples up to 1); sherpa-onnx's names for what a file says of itself.

use super::columns::{Columns, statistics_of, subtract_mean};
use super::effort::Effort;
use super::error::VoiceprintError;
use super::fbank::{BANDS, FbankOptions, FbankWindow};
use super::{Features, dot, normalize};
use crate::inference::{InferenceError, Lanes, Session, Trunk};

/// Frames of a voice that are run as a whole while diarizing, and otherwise: 3 s and 10 s.
const QUICK_FRAMES: usize = 300;
const FULL_FRAMES: usize = 1000;
/// Frames of the comparison of the two ways, and the least cosine between their answers.
const COMPARED_FRAMES: usize = 96;
const LEAST_LIKENESS: f32 = 0.999;

/// How a network is run.
#[derive(Debug)]
pub(super) struct Network {
    input: String,
    output: String,
    without_mean: bool,
    columns: Option<Columns>,
}

impl Network {
    /// The trunk of a network of this kind, if it has one.
    pub(super) fn trunk(model: &[u8], lanes: &Lanes) -> Option<Trunk> {
        Trunk::find(model, BANDS, lanes)
    }

    /// How to run the model, when it is of this kind; with its trunk, when that gives what the model gives.
    pub(super) fn of(session: &Session, trunk: Option<Trunk>) -> Result<Option<(FbankOptions, Self)>, VoiceprintError> {
        let (inputs, outputs) = (session.inputs(), session.outputs());
        let ([input], [output]) = (&inputs[..], &outputs[..]) else { return Ok(None) };
        let is_known = matches!(input.name.as_str(), "feats" | "feature" | "x") || session.metadata("framework").is_some();
        if !is_known || !matches!(input.shape[..], [_, _, Some(BANDS)]) {
            return Ok(None);
        }
        if let Some(rate) = session.metadata("sample_rate").filter(|rate| *rate != "16000") {
            return Err(VoiceprintError::SampleRate(rate.to_owned()));
        }
        let is_wespeaker = match session.metadata("framework") {
            Some(framework) => framework == "wespeaker",
            None => input.name == "feats",
        };
        let window = match session.metadata("window_type") {
            Some("povey") => FbankWindow::Povey,
            Some("hamming") => FbankWindow::Hamming,
            _ if is_wespeaker => FbankWindow::Hamming,
            _ => FbankWindow::Povey,
        };
        let sixteen_bit = session.metadata("normalize_samples").map_or(is_wespeaker, |normalized| normalized == "0");
        // Both kinds are trained without the mean; only a file that says so otherwise keeps it.
        let without_mean = session.metadata("feature_normalize_type") != Some("");
        let network = Self { input: input.name.clone(), output: output.name.clone(), without_mean, columns: None };
        let columns = trunk.filter(|trunk| without_mean && network.agrees(session, trunk)).map(Columns::new);
        Ok(Some((FbankOptions { window, sixteen_bit }, Self { columns, ..network })))
    }

    /// Whether the trunk, pooled as it is here, gives what the whole model gives.
    fn agrees(&self, session: &Session, trunk: &Trunk) -> bool {
        let number = |n: usize| ((n * n * 7 + n * 31) % 2001) as f32 / 500.0 - 2.0;
        let frames: Vec<f32> = (0..COMPARED_FRAMES * BANDS).map(number).collect();
        let compare = || -> Result<f32, InferenceError> {
            let whole = session.run(0, (&self.input, &[1, COMPARED_FRAMES, BANDS], &frames), &self.output)?;
            let columns = trunk.columns(0, &frames)?;
            let columns: Vec<(&[f32], f32)> = columns.chunks_exact(trunk.width()).map(|column| (column, 1.0)).collect();
            let statistics = statistics_of(&columns, trunk.width());
            let parts = session.run(0, (trunk.pooled(), &[1, statistics.len()], &statistics), &self.output)?;
            let (mut one, mut other) = (whole.values, parts.values);
            let both = normalize(&mut one) && normalize(&mut other) && one.len() == other.len();
            Ok(if both { dot(&one, &other) } else { 0.0 })
        };
        compare().is_ok_and(|likeness| likeness >= LEAST_LIKENESS)
    }

    /// True when the trunk is run once for all voices.
    pub(super) fn shares_columns(&self) -> bool {
        self.columns.is_some()
    }

    /// The vectors of voices, each from its own frames; none for one without frames.
    pub(super) fn embed(
        &mut self,
        session: &Session,
        features: &Features,
        voices: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        let Some(columns) = &mut self.columns else { return self.embed_each(session, features, voices, effort) };
        let statistics = columns.statistics(session.lanes(), features, voices)?;
        let mut vectors = Vec::with_capacity(voices.len());
        for statistics in statistics {
            vectors.push(if statistics.is_empty() {
                None
            } else {
                let port = (columns.trunk().pooled(), &[1, statistics.len()][..], &statistics[..]);
                Some(session.run(0, port, &self.output)?.values)
            });
        }
        Ok(vectors)
    }

    /// Runs the model on the frames of each voice, in pieces of bounded length, of which the mean is taken.
    fn embed_each(
        &self,
        session: &Session,
        features: &Features,
        voices: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        // One from the middle, or all of it.
        let pieces = |frames: &[usize]| -> Vec<(usize, usize)> {
            let length = frames.len();
            match effort {
                Effort::Quick => {
                    let skipped = length.saturating_sub(QUICK_FRAMES) / 2;
                    vec![(skipped, length.min(skipped + QUICK_FRAMES))]
                }
                Effort::Full => {
                    let count = length.div_ceil(FULL_FRAMES).max(1);
                    (0..count).map(|piece| (piece * length / count, (piece + 1) * length / count)).collect()
                }
            }
        };
        let one = |lane: usize, frames: &&[usize]| -> Result<Option<Vec<f32>>, VoiceprintError> {
            let mut sum: Option<Vec<f32>> = None;
            for (start, end) in pieces(frames).into_iter().filter(|(start, end)| start < end) {
                let frames = &frames[start..end];
                let mut values = Vec::new();
                features.gather(frames, &mut values)?;
                if self.without_mean {
                    subtract_mean(&mut values, BANDS);
                }
                let mut vector = session.run(lane, (&self.input, &[1, frames.len(), BANDS], &values), &self.output)?.values;
                if !normalize(&mut vector) {
                    continue;
                }
                match &mut sum {
                    Some(sum) => sum.iter_mut().zip(&vector).for_each(|(sum, value)| *sum += value),
                    None => sum = Some(vector),
                }
            }
            Ok(sum)
        };
        session.lanes().map(voices, one).into_iter().collect()
    }
}
