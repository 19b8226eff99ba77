//! Voiceprints from networks that take 80 filterbank energies (`fbank80-kaldi`): WeSpeaker, 3D-Speaker, and models
//! prepared for sherpa-onnx.
//!
//! Detects the front-end options such a network expects and runs it in the fastest way that gives the same result. If only the
//! pooling follows its two-dimensional convolutions (ResNet), these run once over the recording ([`super::trunk_cache`]).
//! Otherwise the network runs on each speaker's frames, concatenated: by code of our own as far as there is such (CAM++), and
//! else by the runtime.
//!
//! Sources: the exporters of WeSpeaker (input `feats`, Hamming window, 16-bit samples) and 3D-Speaker (input `feature`
//! or, through sherpa-onnx, `x`; Povey window, samples up to 1); the metadata keys of sherpa-onnx.

use super::effort::Effort;
use super::error::VoiceprintError;
use super::fbank::{BANDS, FbankOptions, FbankWindow};
use super::trunk_cache::{TrunkCache, subtract_mean, weighted_statistics};
use super::{Features, dot, normalize};
use crate::inference::{DenseNetwork, InferenceError, Lanes, Session, Trunk};

/// Maximum frames per run of the whole network: 3 s with [`Effort::Quick`], 10 s with [`Effort::Full`].
const QUICK_FRAMES: usize = 300;
const FULL_FRAMES: usize = 1000;
/// Frames on which a faster way is compared with the whole network, more than a segment of CAM++, and the minimum cosine
/// similarity of the two embeddings.
const COMPARED_FRAMES: usize = 256;
const MIN_SIMILARITY: f32 = 0.999;

/// How an fbank network is fed and run.
#[derive(Debug)]
pub(super) struct FbankNetwork {
    input: String,
    output: String,
    subtracts_mean: bool,
    way: Way,
}

/// Which layers of a network are computed by code of our own; the runtime computes the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnLayers {
    /// None of the layers.
    None,
    /// Its two-dimensional convolutions and the time-delay layers behind them, for each speaker.
    ConvolutionsAndTimeDelay,
    /// Its two-dimensional convolutions, once for all speakers of a recording.
    SharedConvolutions,
}

/// How the network runs.
#[derive(Debug)]
enum Way {
    /// As a whole, by the runtime.
    Whole,
    /// The trunk and the time-delay layers here, the last layer by the runtime.
    Dense(Trunk, DenseNetwork),
    /// The trunk once over the recording, the layers after the pooling by the runtime.
    Pooled {
        cache: TrunkCache,
        /// Name of the value that holds a speaker's statistics.
        statistics: String,
    },
}

impl FbankNetwork {
    /// Extracts the trunk from the model file and the time-delay layers behind it, if the network has them.
    pub(super) fn parts(model: &[u8], lanes: &Lanes) -> Option<(Trunk, Option<DenseNetwork>)> {
        let trunk = Trunk::find(model, BANDS, lanes)?;
        let dense = DenseNetwork::find(model, trunk.end(), trunk.width(), lanes);
        Some((trunk, dense))
    }

    /// Detects a network of this kind and its front-end options; `None` for other models. The parts are used only if they
    /// reproduce the whole network's output.
    pub(super) fn detect(
        session: &Session,
        parts: Option<(Trunk, Option<DenseNetwork>)>,
    ) -> Result<Option<(FbankOptions, Self)>, VoiceprintError> {
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
        let mut network = Self { input: input.name.clone(), output: output.name.clone(), subtracts_mean, way: Way::Whole };
        if let Some((trunk, dense)) = parts {
            network.way = network.fastest(session, trunk, dense);
        }
        Ok(Some((FbankOptions { window, sixteen_bit }, network)))
    }

    /// The fastest way that gives the embedding of the whole network.
    fn fastest(&self, session: &Session, trunk: Trunk, dense: Option<DenseNetwork>) -> Way {
        if let Some(statistics) = trunk.pooled().map(str::to_owned)
            && self.subtracts_mean
            && self.pooling_matches(session, &trunk, &statistics)
        {
            return Way::Pooled { cache: TrunkCache::new(trunk), statistics };
        }
        if let Some(dense) = dense
            && self.matches(session, |frames| self.dense(session, 0, (&trunk, &dense), frames))
        {
            return Way::Dense(trunk, dense);
        }
        Way::Whole
    }

    fn pooling_matches(&self, session: &Session, trunk: &Trunk, statistics: &str) -> bool {
        self.matches(session, |frames| {
            let columns = trunk.columns(0, frames)?;
            let columns: Vec<(&[f32], f32)> = columns.chunks_exact(trunk.width()).map(|column| (column, 1.0)).collect();
            let values = weighted_statistics(&columns, trunk.width());
            Ok(session.run(0, (statistics, &[1, values.len()], &values), &self.output)?.values)
        })
    }

    /// Checks that `other` gives the same embedding as the whole network, on synthetic frames.
    fn matches(&self, session: &Session, other: impl Fn(&[f32]) -> Result<Vec<f32>, InferenceError>) -> bool {
        let number = |n: usize| ((n * n * 7 + n * 31) % 2001) as f32 / 500.0 - 2.0;
        let frames: Vec<f32> = (0..COMPARED_FRAMES * BANDS).map(number).collect();
        let compare = || -> Result<f32, InferenceError> {
            let (mut one, mut other) = (self.whole(session, 0, &frames)?, other(&frames)?);
            let both = normalize(&mut one) && normalize(&mut other) && one.len() == other.len();
            Ok(if both { dot(&one, &other) } else { 0.0 })
        };
        compare().is_ok_and(|similarity| similarity >= MIN_SIMILARITY)
    }

    fn whole(&self, session: &Session, lane: usize, frames: &[f32]) -> Result<Vec<f32>, InferenceError> {
        Ok(session.run(lane, (&self.input, &[1, frames.len() / BANDS, BANDS], frames), &self.output)?.values)
    }

    /// Runs the trunk, the time-delay layers, and then the rest of the network.
    fn dense(
        &self,
        session: &Session,
        lane: usize,
        (trunk, dense): (&Trunk, &DenseNetwork),
        frames: &[f32],
    ) -> Result<Vec<f32>, InferenceError> {
        let values = dense.run(lane, &trunk.columns(lane, frames)?)?;
        Ok(session.run(lane, (dense.statistics(), &[1, values.len(), 1], &values), &self.output)?.values)
    }

    pub(super) fn own_layers(&self) -> OwnLayers {
        match self.way {
            Way::Whole => OwnLayers::None,
            Way::Dense(..) => OwnLayers::ConvolutionsAndTimeDelay,
            Way::Pooled { .. } => OwnLayers::SharedConvolutions,
        }
    }

    /// Computes one embedding per speaker from that speaker's frames; `None` for a speaker without frames.
    pub(super) fn embed(
        &mut self,
        session: &Session,
        features: &Features,
        voices: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        let Way::Pooled { cache, statistics } = &mut self.way else { return self.embed_each(session, features, voices, effort) };
        let mut vectors = Vec::with_capacity(voices.len());
        for values in cache.statistics(session.lanes(), features, voices)? {
            vectors.push(if values.is_empty() {
                None
            } else {
                Some(session.run(0, (statistics, &[1, values.len()], &values), &self.output)?.values)
            });
        }
        Ok(vectors)
    }

    /// Runs the network on each speaker's frames, in pieces of bounded length whose embeddings are averaged.
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
                let mut vector = match &self.way {
                    Way::Dense(trunk, dense) => self.dense(session, lane, (trunk, dense), &values)?,
                    Way::Whole | Way::Pooled { .. } => self.whole(session, lane, &values)?,
                };
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
