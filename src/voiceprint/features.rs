//! Feature frames for speaker models, computed once per recording.
//!
//! Diarization asks for embeddings of many overlapping subsegments, so frames are shared. For long recordings they are
//! kept in a scratch file: four hours take hundreds of megabytes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::fbank::{self, FbankOptions};
use super::frame_table::FrameTable;
use super::{mel, mfcc};
use crate::audio::{Audio, SignalError};

/// The feature recipe that a speaker model was trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// `mfcc40-wq`: 40 MFCCs every 32 ms.
    Mfcc40,
    /// `mel40-ge2e`: mel power in 40 bands every 10 ms.
    Mel40,
    /// `fbank80-kaldi`: log mel energies in 80 bands every 10 ms.
    Fbank80(FbankOptions),
}

impl FeatureKind {
    /// The recipe's name as used in documentation and model metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mfcc40 => "mfcc40-wq",
            Self::Mel40 => "mel40-ge2e",
            Self::Fbank80(_) => "fbank80-kaldi",
        }
    }

    /// Samples between frames; frame `i` is centred on sample `i * hop`.
    #[must_use]
    pub const fn hop(self) -> usize {
        match self {
            Self::Mfcc40 => mfcc::HOP,
            Self::Mel40 => mel::HOP,
            Self::Fbank80(_) => fbank::HOP,
        }
    }

    /// Number of values per frame.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::Mfcc40 => mfcc::COEFFICIENTS,
            Self::Mel40 => mel::BANDS,
            Self::Fbank80(_) => fbank::BANDS,
        }
    }

    /// Minimum number of frames for a voiceprint; with fewer none is computed.
    #[must_use]
    pub const fn min_frames(self) -> usize {
        match self {
            Self::Mfcc40 => 8,
            Self::Mel40 => 16,
            Self::Fbank80(_) => 32,
        }
    }
}

/// Source of unique ids for [`Features`].
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// All feature frames of one signal.
#[derive(Debug, Clone)]
pub struct Features {
    /// Unique per computed signal; keys caches of derived values.
    id: u64,
    kind: FeatureKind,
    values: FrameTable,
    /// Mean square of each frame; empty for recipes that do not need it.
    levels: Vec<f32>,
}

impl Features {
    /// Computes all frames of a signal.
    ///
    /// # Errors
    /// When the signal cannot be read, or its frames cannot be stored.
    pub fn of(kind: FeatureKind, audio: &Audio) -> Result<Self, SignalError> {
        let (values, levels) = match kind {
            FeatureKind::Mfcc40 => (mfcc::mfcc(audio)?, Vec::new()),
            FeatureKind::Mel40 => mel::mel_power(audio)?,
            FeatureKind::Fbank80(options) => (fbank::fbank(audio, options)?, Vec::new()),
        };
        Ok(Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), kind, values, levels })
    }

    /// The unique id; clones share it.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The recipe the frames were computed with.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// Number of frames, `1 + samples / hop`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Always false: even an empty signal has one frame, around its first sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.len() == 0
    }

    /// Appends the values of the given frames to `values`, frame by frame. Frames beyond the end are skipped.
    /// Consecutive indices are read fastest.
    ///
    /// # Errors
    /// When frames cannot be read back from the disk.
    pub fn gather(&self, frames: &[usize], values: &mut Vec<f32>) -> Result<(), SignalError> {
        self.values.gather(frames, values)
    }

    /// The frames whose centres lie in `first_sample..end_sample`.
    #[must_use]
    pub fn frames_between(&self, first_sample: usize, end_sample: usize) -> std::ops::Range<usize> {
        let hop = self.kind.hop();
        first_sample.div_ceil(hop).min(self.len())..end_sample.div_ceil(hop).min(self.len())
    }

    /// The mean of each feature over `frames`; zeros if there are none.
    ///
    /// # Errors
    /// When the stored features cannot be read.
    pub fn mean(&self, frames: &[usize]) -> Result<Vec<f32>, SignalError> {
        let mut values = Vec::new();
        self.gather(frames, &mut values)?;
        let mut mean = vec![0.0; self.kind.width()];
        for frame in values.chunks_exact(mean.len()) {
            mean.iter_mut().zip(frame).for_each(|(sum, value)| *sum += value / frames.len() as f32);
        }
        Ok(mean)
    }

    /// The mean over `frames` of each frame's mean square.
    pub(super) fn mean_level(&self, frames: &[usize]) -> f64 {
        let sum: f64 = frames.iter().filter_map(|index| self.levels.get(*index)).map(|level| f64::from(*level)).sum();
        sum / frames.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integer arithmetic first, so that every language produces the same samples.
    fn golden_signal() -> Audio {
        let sample = |n: u64| {
            let saw = ((n * n * 7 + n * 31) % 2001) as f32 - 1000.0;
            saw / 4000.0 * if (n / 1600) % 2 == 1 { 1.0 } else { 0.2 }
        };
        Audio::new((0..8000).map(sample).collect())
    }

    #[expect(clippy::unreadable_literal, reason = "printed by the reference implementation in numpy")]
    #[test]
    fn frames_are_those_of_the_reference() {
        let mfcc = Features::of(FeatureKind::Mfcc40, &golden_signal()).unwrap();
        assert_eq!(mfcc.len(), 16);
        check(&mfcc, 0, &[0, 1, 2, 10, 39], &[-164.434, -5.09208, 0.101298, -4.44705, -1.54609]);
        check(&mfcc, 3, &[0, 1, 2, 10, 39], &[-16.2153, -8.07744, 1.13329, 3.67502, 1.57879]);
        check(&mfcc, 15, &[0, 1, 2, 10, 39], &[-144.092, -7.65571, 2.94648, 4.9836, -0.770911]);
        let mel = Features::of(FeatureKind::Mel40, &golden_signal()).unwrap();
        assert_eq!(mel.len(), 51);
        check(&mel, 0, &[0, 5, 20, 39], &[0.00984279, 0.0027095, 0.000686111, 0.00314131]);
        check(&mel, 25, &[0, 5, 20, 39], &[0.00212816, 0.00135694, 0.000600597, 0.00310503]);
        check(&mel, 50, &[0, 5, 20, 39], &[0.00112395, 0.00691635, 0.00043518, 0.00308304]);
        for (index, level) in [(0, 0.00085688), (25, 0.000918398), (50, 0.000875181)] {
            assert!((mel.mean_level(&[index]) / level - 1.0).abs() < 1e-3);
        }
    }

    fn check(features: &Features, frame: usize, places: &[usize], expected: &[f32]) {
        let mut values = Vec::new();
        features.gather(&[frame], &mut values).unwrap();
        for (place, expected) in places.iter().zip(expected) {
            let value = values[*place];
            assert!(
                (value - expected).abs() < 1e-3 * expected.abs().max(1.0).min(expected.abs() * 1e3),
                "frame {frame}, {place}: {value}"
            );
        }
    }

    #[test]
    fn odd_signals_give_finite_frames() {
        for samples in [vec![], vec![0.5], vec![0.0; 399], vec![1.0; 2049]] {
            for kind in [FeatureKind::Mfcc40, FeatureKind::Mel40] {
                let features = Features::of(kind, &Audio::new(samples.clone())).unwrap();
                assert_eq!(features.len(), 1 + samples.len() / kind.hop());
                let mut values = Vec::new();
                features.gather(&(0..features.len()).collect::<Vec<_>>(), &mut values).unwrap();
                assert_eq!(values.len(), features.len() * kind.width());
                assert!(values.iter().all(|value| value.is_finite()));
            }
        }
    }
}
