//! Voiceprints from networks that take 80 filterbank energies (`fbank80-kaldi`): WeSpeaker, 3D-Speaker, and models
//! prepared for sherpa-onnx.
//!
//! Detects the front-end options such a network expects and runs it in one of two ways. If its convolutional trunk can
//! be separated from the pooling, the trunk runs once over the recording ([`super::trunk_cache`]); otherwise the whole
//! network runs on each speaker's frames, concatenated.
//!
//! Sources: the exporters of WeSpeaker (input `feats`, Hamming window, 16-bit samples) and 3D-Speaker (input `feature`
//! or, through sherpa-onnx, `x`; Povey window, samples up to 1); the metadata keys of sherpa-onnx.

use super::effort::Effort;
use super::error::VoiceprintError;
use super::fbank::{BANDS, FbankOptions, FbankWindow};
use super::trunk_cache::{TrunkCache, subtract_mean, weighted_statistics};
use super::{Features, dot, normalize};
use crate::inference::{InferenceError, Lanes, Session, Trunk};

/// Maximum frames per run of the whole network: 3 s with [`Effort::Quick`], 10 s with [`Effort::Full`].
const QUICK_FRAMES: usize = 300;
const FULL_FRAMES: usize = 1000;
/// Frames on which trunk plus pooling is compared with the whole network, and the minimum cosine similarity of the two
/// embeddings.
const COMPARED_FRAMES: usize = 96;
const MIN_SIMILARITY: f32 = 0.999;

/// How an fbank network is fed and run.
#[derive(Debug)]
pub(super) struct FbankNetwork {
    input: String,
    output: String,
    subtracts_mean: bool,
    trunk: Option<TrunkCache>,
}

impl FbankNetwork {
    /// Extracts the trunk from the model file, if the network has one.
    pub(super) fn trunk(model: &[u8], lanes: &Lanes) -> Option<Trunk> {
        Trunk::find(model, BANDS, lanes)
    }

    /// Detects a network of this kind and its front-end options; `None` for other models. The trunk is used only if it
    /// reproduces the whole network's output.
    pub(super) fn detect(session: &Session, trunk: Option<Trunk>) -> Result<Option<(FbankOptions, Self)>, VoiceprintError> {
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
        // Both kinds are trained on mean-subtracted features; only a file that says otherwise keeps the mean.
        let subtracts_mean = session.metadata("feature_normalize_type") != Some("");
        let network = Self { input: input.name.clone(), output: output.name.clone(), subtracts_mean, trunk: None };
        let trunk = trunk.filter(|trunk| subtracts_mean && network.trunk_matches_model(session, trunk)).map(TrunkCache::new);
        Ok(Some((FbankOptions { window, sixteen_bit }, Self { trunk, ..network })))
    }

    /// Checks that trunk plus statistics pooling gives the same embedding as the whole network, on synthetic frames.
    fn trunk_matches_model(&self, session: &Session, trunk: &Trunk) -> bool {
        let number = |n: usize| ((n * n * 7 + n * 31) % 2001) as f32 / 500.0 - 2.0;
        let frames: Vec<f32> = (0..COMPARED_FRAMES * BANDS).map(number).collect();
        let compare = || -> Result<f32, InferenceError> {
            let whole = session.run(0, (&self.input, &[1, COMPARED_FRAMES, BANDS], &frames), &self.output)?;
            let columns = trunk.columns(0, &frames)?;
            let columns: Vec<(&[f32], f32)> = columns.chunks_exact(trunk.width()).map(|column| (column, 1.0)).collect();
            let statistics = weighted_statistics(&columns, trunk.width());
            let parts = session.run(0, (trunk.pooled(), &[1, statistics.len()], &statistics), &self.output)?;
            let (mut one, mut other) = (whole.values, parts.values);
            let both = normalize(&mut one) && normalize(&mut other) && one.len() == other.len();
            Ok(if both { dot(&one, &other) } else { 0.0 })
        };
        compare().is_ok_and(|similarity| similarity >= MIN_SIMILARITY)
    }

    /// True if the trunk runs once for all speakers of a recording.
    pub(super) fn shares_trunk(&self) -> bool {
        self.trunk.is_some()
    }

    /// Computes one embedding per speaker from that speaker's frames; `None` for a speaker without frames.
    pub(super) fn embed(
        &mut self,
        session: &Session,
        features: &Features,
        voices: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        let Some(trunk) = &mut self.trunk else { return self.embed_each(session, features, voices, effort) };
        let statistics = trunk.statistics(session.lanes(), features, voices)?;
        let mut vectors = Vec::with_capacity(voices.len());
        for statistics in statistics {
            vectors.push(if statistics.is_empty() {
                None
            } else {
                let port = (trunk.trunk().pooled(), &[1, statistics.len()][..], &statistics[..]);
                Some(session.run(0, port, &self.output)?.values)
            });
        }
        Ok(vectors)
    }

    /// Runs the whole network on each speaker's frames, in pieces of bounded length whose embeddings are averaged.
    fn embed_each(
        &self,
        session: &Session,
        features: &Features,
        voices: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        // Quick takes one piece from the middle; full takes all frames in equal pieces.
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
                if self.subtracts_mean {
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
