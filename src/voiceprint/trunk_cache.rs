//! Statistics pooling over the output of a network's trunk, which runs once over the recording and is cached.
//!
//! A column is one time step of the trunk's output. Subsegments of a recording share most of their frames, so each
//! column is computed only once. Frames without speech are left out, and speech is concatenated, as it would be for a
//! single speaker. These networks expect mean-subtracted features; the mean is taken over blocks of about ten seconds,
//! as in training.

use std::collections::{HashMap, VecDeque};

use super::Features;
use super::error::VoiceprintError;
use crate::inference::{Lanes, Trunk};

/// Frames per block of computed columns: 10 s, the usual input length in diarization.
const BLOCK_FRAMES: usize = 1000;
/// Frames of context computed on each side of a block.
const MARGIN_FRAMES: usize = 16;
/// Minimum frames per block (2 s); the mean over fewer would depend on a few sounds.
const MIN_BLOCK_FRAMES: usize = 200;
/// Frames whose columns are cached between calls: two minutes, 15 MB for the usual network.
const CACHED_FRAMES: usize = 12_000;
/// A column counts for a speaker if at least this share of its frames belongs to that speaker.
const MIN_SHARE: f32 = 0.5;

/// A network's trunk and a cache of its latest output.
#[derive(Debug)]
pub(super) struct TrunkCache {
    trunk: Trunk,
    /// Id of the features that `cached` was computed from.
    features: Option<u64>,
    cached: HashMap<usize, Box<[f32]>>,
    /// Keys of `cached`, oldest first.
    order: VecDeque<usize>,
}

impl TrunkCache {
    pub(super) fn new(trunk: Trunk) -> Self {
        Self { trunk, features: None, cached: HashMap::new(), order: VecDeque::new() }
    }

    /// Number of columns that cover this many frames.
    fn column_count(&self, frames: usize) -> usize {
        frames.div_ceil(self.trunk.frames_per_column())
    }

    /// Pooled statistics for each speaker, from its frames in ascending order; empty for a speaker without frames.
    pub(super) fn statistics(
        &mut self,
        lanes: &Lanes,
        features: &Features,
        voices: &[&[usize]],
    ) -> Result<Vec<Vec<f32>>, VoiceprintError> {
        if self.features.replace(features.id()) != Some(features.id()) {
            self.cached.clear();
            self.order.clear();
        }
        let mut statistics = Vec::with_capacity(voices.len());
        let shares: Vec<_> = voices.iter().map(|frames| shares(frames, self.trunk.frames_per_column())).collect();
        let mut rest = shares.as_slice();
        while !rest.is_empty() {
            // As many speakers at once as the cache has room for, but at least one.
            let mut columns = 0;
            let fits = |share: &&Vec<(usize, f32)>| {
                columns += share.len();
                columns <= self.column_count(CACHED_FRAMES)
            };
            let (group, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            self.compute_missing(lanes, features, group)?;
            statistics.extend(group.iter().map(|shares| self.pool(shares)));
            rest = later;
        }
        Ok(statistics)
    }

    /// Computes the columns that these speakers need and the cache lacks, evicting the oldest columns that they do not
    /// need.
    fn compute_missing(
        &mut self,
        lanes: &Lanes,
        features: &Features,
        voices: &[Vec<(usize, f32)>],
    ) -> Result<(), VoiceprintError> {
        let mut wanted: Vec<usize> = voices.iter().flatten().map(|(column, _)| *column).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let missing: Vec<usize> = wanted.iter().copied().filter(|column| !self.cached.contains_key(column)).collect();
        for _ in 0..self.order.len() {
            if self.cached.len() + missing.len() <= self.column_count(CACHED_FRAMES) {
                break;
            }
            let Some(oldest) = self.order.pop_front() else { break };
            if wanted.binary_search(&oldest).is_ok() {
                self.order.push_back(oldest);
            } else {
                self.cached.remove(&oldest);
            }
        }
        let blocks = missing.len().div_ceil(self.column_count(BLOCK_FRAMES));
        let blocks: Vec<&[usize]> = missing.chunks(missing.len().div_ceil(blocks.max(1)).max(1)).collect();
        let computed = lanes.map(&blocks, |lane, block| self.block(lane, features, block));
        for (block, columns) in blocks.iter().zip(computed) {
            for (column, values) in block.iter().zip(columns?) {
                self.cached.insert(*column, values);
                self.order.push_back(*column);
            }
        }
        Ok(())
    }

    /// Computes the columns of one block, with context from the recording on both sides.
    fn block(&self, lane: usize, features: &Features, block: &[usize]) -> Result<Vec<Box<[f32]>>, VoiceprintError> {
        let (Some(first), Some(last)) = (block.first(), block.last()) else { return Ok(Vec::new()) };
        let frames_per_column = self.trunk.frames_per_column();
        let columns = features.len().div_ceil(frames_per_column);
        let lacking = self.column_count(MIN_BLOCK_FRAMES).saturating_sub(block.len());
        let margin = self.column_count(MARGIN_FRAMES).max(lacking.div_ceil(2));
        let before = first.saturating_sub(margin)..*first;
        let after = last + 1..(last + 1 + margin).min(columns);
        let skipped = before.len();
        let frames: Vec<usize> = before
            .chain(block.iter().copied())
            .chain(after)
            .flat_map(|column| {
                let first = column * frames_per_column;
                first..(first + frames_per_column).min(features.len())
            })
            .collect();
        let mut values = Vec::new();
        features.gather(&frames, &mut values)?;
        subtract_mean(&mut values, features.kind().width());
        let columns = self.trunk.columns(lane, &values)?;
        Ok(columns.chunks_exact(self.trunk.width()).skip(skipped).take(block.len()).map(Box::from).collect())
    }

    /// Mean and standard deviation over a speaker's columns, weighted by its share of each column.
    fn pool(&self, shares: &[(usize, f32)]) -> Vec<f32> {
        let columns: Vec<(&[f32], f32)> =
            shares.iter().filter_map(|(column, share)| Some((&**self.cached.get(column)?, *share))).collect();
        weighted_statistics(&columns, self.trunk.width())
    }
}

/// Weighted mean, then weighted unbiased standard deviation, of each value over the columns.
pub(super) fn weighted_statistics(columns: &[(&[f32], f32)], width: usize) -> Vec<f32> {
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
    // With all weights 1 this is the count minus one.
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

/// The columns that contain a speaker's frames, with the speaker's share of each (0 to 1). Columns below [`MIN_SHARE`]
/// are left out unless there are no others.
fn shares(frames: &[usize], frames_per_column: usize) -> Vec<(usize, f32)> {
    let mut shares: Vec<(usize, f32)> = Vec::new();
    for frame in frames {
        let column = frame / frames_per_column;
        let one = 1.0 / frames_per_column as f32;
        match shares.last_mut() {
            Some((last, share)) if *last == column => *share += one,
            _ => shares.push((column, one)),
        }
    }
    if shares.iter().any(|(_, share)| *share >= MIN_SHARE) {
        shares.retain(|(_, share)| *share >= MIN_SHARE);
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
        let statistics = weighted_statistics(&[(&[1.0, 5.0], 1.0), (&[3.0, 5.0], 1.0)], 2);
        let expected = [2.0, 5.0, 2.0_f32.sqrt(), 1e-4];
        assert!(statistics.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6), "{statistics:?}");
        assert!(weighted_statistics(&[], 2).is_empty());
    }
}
