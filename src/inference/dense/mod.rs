//! The densely connected time-delay layers of CAM++ up to the statistics over time.
//!
//! Each of the 52 layers adds 32 channels to those of all layers before. The runtime packs the weights of every layer again at
//! each call, and copies all channels at each layer, which costs more than the products for the one or two seconds of a
//! subsegment. Here the weights are packed once, and the channels of a block lie in one buffer, frame by frame.
//!
//! Source: H. Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking", 2023.

mod layers;
mod linear;
mod mask;
mod normalization;
mod plan;

use rten_gemm::{GemmError, GemmExecutor};

use super::outline::{outline, parse};
use super::{InferenceError, Lanes, guarded};
use layers::{Layer, Scratch, Start, Transit, rectify};

/// The time-delay layers of one network.
pub struct DenseNetwork {
    start: Start,
    blocks: Vec<(Vec<Layer>, Transit)>,
    statistics: String,
    lanes: Lanes,
}

impl std::fmt::Debug for DenseNetwork {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DenseNetwork").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl DenseNetwork {
    /// Reads the layers after the value `from`, which has `width` values per frame; `None` if they are of another kind.
    #[must_use]
    pub fn find(model: &[u8], from: &str, width: usize, lanes: &Lanes) -> Option<Self> {
        let graph = parse(model).ok()?;
        let outline = outline(&graph)?;
        let plan = plan::plan(&outline, from, width, &GemmExecutor::new())?;
        Some(Self { start: plan.start, blocks: plan.blocks, statistics: plan.statistics.to_owned(), lanes: lanes.clone() })
    }

    /// Name of the graph value that [`Self::run`] computes, of the shape [1, values, 1].
    #[must_use]
    pub fn statistics(&self) -> &str {
        &self.statistics
    }

    /// Computes means and unbiased standard deviations over time from frames of values.
    ///
    /// # Errors
    /// When `frames` is empty or not a whole number of frames, or the computation fails.
    pub fn run(&self, lane: usize, frames: &[f32]) -> Result<Vec<f32>, InferenceError> {
        if frames.is_empty() || !frames.len().is_multiple_of(self.start.width) {
            return Err(InferenceError::Run("the network takes whole frames".to_owned()));
        }
        let pool = self.lanes.pool(lane);
        guarded(|| pool.run(|| self.compute(frames)).map_err(|error| error.to_string())).map_err(InferenceError::Run)
    }

    fn compute(&self, frames: &[f32]) -> Result<Vec<f32>, GemmError> {
        let gemm = GemmExecutor::new();
        let mut values = self.start.run(&gemm, frames)?;
        let mut scratch = Scratch::default();
        for (layers, transit) in &self.blocks {
            let first = layers.first().map_or(transit.linear.inputs(), |layer| layer.linear.inputs());
            let width = transit.linear.inputs();
            let mut wide = vec![0.0; values.len() / first * width];
            for (wide, values) in wide.chunks_exact_mut(width).zip(values.chunks_exact(first)) {
                wide[..first].copy_from_slice(values);
            }
            for layer in layers {
                layer.run(&gemm, &mut wide, width, &mut scratch)?;
            }
            transit.normalization.run(&wide, width, &mut scratch.prepared);
            values = vec![0.0; wide.len() / width * transit.linear.outputs()];
            transit.linear.run(&gemm, &scratch.prepared, &mut values)?;
        }
        rectify(&mut values);
        let width = self.blocks.last().map_or(self.start.linear.outputs(), |(_, transit)| transit.linear.outputs());
        Ok(statistics(&values, width))
    }
}

/// Means of all channels, then unbiased standard deviations.
fn statistics(rows: &[f32], width: usize) -> Vec<f32> {
    let count = (rows.len() / width) as f64;
    let (mut sums, mut squares) = (vec![0.0_f64; width], vec![0.0_f64; width]);
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
    for row in rows.chunks_exact(width) {
        for ((square, value), mean) in squares.iter_mut().zip(row).zip(&means) {
            *square += (f64::from(*value) - mean).powi(2);
        }
    }
    let spreads = squares.iter().map(|square| (square / (count - 1.0).max(1.0)).sqrt());
    means.iter().copied().chain(spreads).map(|value| value as f32).collect()
}
