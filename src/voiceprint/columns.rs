//! Voiceprints from a network whose trunk is run once over the recording: the columns that it gives, kept for a while, and the
//! statistics of those in which a voice speaks.
//!
//! The voices of a recording share most of their frames (windows overlap), so each column is computed once. Frames in which
//! nobody speaks are left out; stretches of speech follow each other without a gap, as they do when a voice's own frames are
//! closed up. The mean that these networks want subtracted is that of a block of some ten seconds, as in training.

use std::collections::{HashMap, VecDeque};

use super::Features;
use super::error::VoiceprintError;
use crate::inference::{Lanes, Trunk};

/// Frames whose columns are computed at once: 10 s, what such networks see in diarization.
const BLOCK: usize = 1000;
/// Frames of the recording that are computed with a block on each side, so that its ends know their surroundings.
const MARGIN: usize = 16;
/// A block has at least so many frames (2 s), or the mean would be that of a few sounds.
const SHORTEST: usize = 200;
/// Frames whose columns are kept between two calls: two minutes, 15 MB for the usual network.
const KEPT: usize = 12_000;
/// A column counts for a voice that has at least this share of its frames.
const LEAST_SHARE: f32 = 0.5;

/// The trunk of a network, and what it gave lately.
#[derive(Debug)]
pub(super) struct Columns {
    trunk: Trunk,
    /// Which features `known` is of.
    features: Option<u64>,
    known: HashMap<usize, Box<[f32]>>,
    /// The keys of `known`, the oldest first.
    order: VecDeque<usize>,
}

impl Columns {
    pub(super) fn new(trunk: Trunk) -> Self {
        Self { trunk, features: None, known: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn trunk(&self) -> &Trunk {
        &self.trunk
    }

    /// So many frames as columns.
    fn in_columns(&self, frames: usize) -> usize {
        frames.div_ceil(self.trunk.frames_a_column())
    }

    /// The statistics of each voice, from its frames in order of time; empty for one without frames.
    pub(super) fn statistics(
        &mut self,
        lanes: &Lanes,
        features: &Features,
        voices: &[&[usize]],
    ) -> Result<Vec<Vec<f32>>, VoiceprintError> {
        if self.features.replace(features.id()) != Some(features.id()) {
            self.known.clear();
            self.order.clear();
        }
        let mut statistics = Vec::with_capacity(voices.len());
        let shares: Vec<_> = voices.iter().map(|frames| shares(frames, self.trunk.frames_a_column())).collect();
        let mut rest = shares.as_slice();
        while !rest.is_empty() {
            // As many voices at once as there is room for, but at least one.
            let mut columns = 0;
            let fits = |share: &&Vec<(usize, f32)>| {
                columns += share.len();
                columns <= self.in_columns(KEPT)
            };
            let (group, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            self.compute(lanes, features, group)?;
            statistics.extend(group.iter().map(|shares| self.pool(shares)));
            rest = later;
        }
        Ok(statistics)
    }

    /// Computes what is missing for these voices, and lets go of the oldest columns that they do not need.
    fn compute(&mut self, lanes: &Lanes, features: &Features, voices: &[Vec<(usize, f32)>]) -> Result<(), VoiceprintError> {
        let mut wanted: Vec<usize> = voices.iter().flatten().map(|(column, _)| *column).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let missing: Vec<usize> = wanted.iter().copied().filter(|column| !self.known.contains_key(column)).collect();
        for _ in 0..self.order.len() {
            if self.known.len() + missing.len() <= self.in_columns(KEPT) {
                break;
            }
            let Some(oldest) = self.order.pop_front() else { break };
            if wanted.binary_search(&oldest).is_ok() {
                self.order.push_back(oldest);
            } else {
                self.known.remove(&oldest);
            }
        }
        let blocks = missing.len().div_ceil(self.in_columns(BLOCK));
        let blocks: Vec<&[usize]> = missing.chunks(missing.len().div_ceil(blocks.max(1)).max(1)).collect();
        let computed = lanes.map(&blocks, |lane, block| self.block(lane, features, block));
        for (block, columns) in blocks.iter().zip(computed) {
            for (column, values) in block.iter().zip(columns?) {
                self.known.insert(*column, values);
                self.order.push_back(*column);
            }
        }
        Ok(())
    }

    /// The columns of one block, computed with what is beside it in the recording.
    fn block(&self, lane: usize, features: &Features, block: &[usize]) -> Result<Vec<Box<[f32]>>, VoiceprintError> {
        let (Some(first), Some(last)) = (block.first(), block.last()) else { return Ok(Vec::new()) };
        let a_column = self.trunk.frames_a_column();
        let columns = features.len().div_ceil(a_column);
        let lacking = self.in_columns(SHORTEST).saturating_sub(block.len());
        let margin = self.in_columns(MARGIN).max(lacking.div_ceil(2));
        let before = first.saturating_sub(margin)..*first;
        let after = last + 1..(last + 1 + margin).min(columns);
        let skipped = before.len();
        let frames: Vec<usize> = before
            .chain(block.iter().copied())
            .chain(after)
            .flat_map(|column| {
                let first = column * a_column;
                first..(first + a_column).min(features.len())
            })
            .collect();
        let mut values = Vec::new();
        features.gather(&frames, &mut values)?;
        subtract_mean(&mut values, features.kind().width());
        let columns = self.trunk.columns(lane, &values)?;
        Ok(columns.chunks_exact(self.trunk.width()).skip(skipped).take(block.len()).map(Box::from).collect())
    }

    /// Mean and deviation of all values over the columns of a voice, each as much as its share.
    fn pool(&self, shares: &[(usize, f32)]) -> Vec<f32> {
        let columns: Vec<(&[f32], f32)> =
            shares.iter().filter_map(|(column, share)| Some((&**self.known.get(column)?, *share))).collect();
        statistics_of(&columns, self.trunk.width())
    }
}

/// Mean, then unbiased standard deviation, of weighed columns.
pub(super) fn statistics_of(columns: &[(&[f32], f32)], width: usize) -> Vec<f32> {
    if columns.is_empty() {
        return Vec::new();
    }
    let weight: f32 = columns.iter().map(|(_, share)| share).sum();
    let squares: f32 = columns.iter().map(|(_, share)| share * share).sum();
    let mut mean = vec![0.0; width];
    for (values, share) in columns {
        for (sum, value) in mean.iter_mut().zip(*values) {
            *sum += share / weight * value;
        }
    }
    let mut variance = vec![0.0; width];
    // With weights of 1 this is the count less one.
    let divisor = (weight - squares / weight).max(1e-3);
    for (values, share) in columns {
        for ((sum, value), mean) in variance.iter_mut().zip(*values).zip(&mean) {
            *sum += share / divisor * (value - mean) * (value - mean);
        }
    }
    mean.extend(variance.into_iter().map(|variance| (variance + 1e-8).sqrt()));
    mean
}

/// Subtracts from each band its mean over the frames.
pub(super) fn subtract_mean(values: &mut [f32], width: usize) {
    let frames = values.len() / width;
    let mut mean = vec![0.0_f64; width];
    for frame in values.chunks_exact(width) {
        for (sum, value) in mean.iter_mut().zip(frame) {
            *sum += f64::from(*value);
        }
    }
    for frame in values.chunks_exact_mut(width) {
        for (value, sum) in frame.iter_mut().zip(&mean) {
            *value -= (sum / frames as f64) as f32;
        }
    }
}

/// The columns that a voice's frames fall into, and how much of each is its own; those of which it has little only when it has
/// no others.
fn shares(frames: &[usize], a_column: usize) -> Vec<(usize, f32)> {
    let mut shares: Vec<(usize, f32)> = Vec::new();
    for frame in frames {
        let column = frame / a_column;
        let one = 1.0 / a_column as f32;
        match shares.last_mut() {
            Some((last, share)) if *last == column => *share += one,
            _ => shares.push((column, one)),
        }
    }
    if shares.iter().any(|(_, share)| *share >= LEAST_SHARE) {
        shares.retain(|(_, share)| *share >= LEAST_SHARE);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_by_the_share_of_a_voice() {
        assert_eq!(shares(&[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 8), [(1, 1.0)]);
        assert_eq!(shares(&[6, 7, 16], 8), [(0, 0.25), (2, 0.125)]);
        assert_eq!(shares(&[], 8), []);
    }

    #[test]
    fn statistics_are_mean_and_unbiased_deviation() {
        let statistics = statistics_of(&[(&[1.0, 5.0], 1.0), (&[3.0, 5.0], 1.0)], 2);
        let expected = [2.0, 5.0, 2.0_f32.sqrt(), 1e-4];
        assert!(statistics.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6), "{statistics:?}");
        assert!(statistics_of(&[], 2).is_empty());
    }
}
