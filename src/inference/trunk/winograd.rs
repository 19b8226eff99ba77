//! 3x3 convolutions by Winograd's minimal filtering: 2.25 multiplications per value and channel instead of 9.
//!
//! Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, F(4x4, 3x3).
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the processor's vectors")]
#![expect(clippy::needless_range_loop, reason = "rows and columns of a small square, in both directions")]

use rten_gemm::{GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;

use super::super::narrow::{Narrow, suits};
use super::feature_map::{Epilogue, FeatureMap, TILE};

/// Side of the input patch of a tile.
const PATCH: usize = TILE + 2;
const POINTS: usize = PATCH * PATCH;
/// Maximum values of transformed tiles in memory, 1.6 MB, so that they stay in the cache between the three steps.
const MAX_HELD_VALUES: usize = 400_000;
/// With fewer tiles per product, loading the weights takes longer than using them.
const MIN_TILES: usize = 96;
/// Channel counts must be multiples of this, whole vectors on every processor.
pub(super) const CHANNELS: usize = 16;

pub(super) struct Winograd {
    channels_in: usize,
    channels: usize,
    /// One matrix for each point of a transformed tile.
    weights: Vec<Weights>,
    bias: Vec<f32>,
}

enum Weights {
    Packed(PackedBMatrix<f32>),
    Narrow(Vec<f32>),
}

/// The kernel transform, G in the paper.
const KERNEL: [[f32; 3]; PATCH] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

impl Winograd {
    /// `kernel` has the shape [channels, channels_in, 3, 3]; both channel counts are multiples of [`CHANNELS`].
    pub(super) fn new(gemm: &GemmExecutor, kernel: &[f32], bias: Vec<f32>, channels_in: usize) -> Self {
        let channels = bias.len();
        let mut points = vec![vec![0.0; channels_in * channels]; POINTS];
        for (place, kernel) in kernel.chunks_exact(9).enumerate() {
            let (to, from) = (place / channels_in, place % channels_in);
            for (point, weights) in points.iter_mut().enumerate() {
                let (row, column) = (&KERNEL[point / PATCH], &KERNEL[point % PATCH]);
                let sum: f32 = (0..9).map(|at| row[at / 3] * column[at % 3] * kernel[at]).sum();
                weights[from * channels + to] = sum;
            }
        }
        let pack = |weights: Vec<f32>| {
            if suits(weights.len(), channels) {
                return Weights::Narrow(weights);
            }
            Weights::Packed(gemm.prepack_b(NdTensorView::from_data([channels_in, channels], weights.as_slice())))
        };
        Self { channels_in, channels, weights: points.into_iter().map(pack).collect(), bias }
    }

    pub(super) fn run(&self, gemm: &GemmExecutor, input: &FeatureMap, epilogue: &Epilogue<'_>) -> Result<FeatureMap, GemmError> {
        let mut output = FeatureMap::zeros(input.height, input.width, self.channels);
        let (rows, columns) = (input.height.div_ceil(TILE), input.width.div_ceil(TILE));
        let tiles: Vec<(usize, usize)> = (0..rows * columns).map(|tile| (tile / columns * TILE, tile % columns * TILE)).collect();
        let most = (MAX_HELD_VALUES / (POINTS * self.channels_in.max(self.channels))).max(MIN_TILES).min(tiles.len());
        let mut before = vec![0.0; POINTS * most * self.channels_in];
        let mut after = vec![0.0; POINTS * most * self.channels];
        for tiles in tiles.chunks(most) {
            Forward { input, tiles, target: &mut before }.dispatch();
            for (point, weights) in self.weights.iter().enumerate() {
                let a = &before[point * tiles.len() * self.channels_in..][..tiles.len() * self.channels_in];
                let c = &mut after[point * tiles.len() * self.channels..][..tiles.len() * self.channels];
                match weights {
                    Weights::Packed(weights) => {
                        let a = NdTensorView::from_data([tiles.len(), self.channels_in], a);
                        gemm.gemm(c, GemmInputA::Unpacked(a), GemmInputB::Packed(weights), GemmOptions::default())?;
                    }
                    Weights::Narrow(weights) => {
                        let (depth, columns) = (self.channels_in, self.channels);
                        Narrow { input: a, start: 0, step: depth, lines: 1, line_step: 0, depth, weights, columns, output: c }
                            .dispatch();
                    }
                }
            }
            Back { source: &after, tiles, bias: &self.bias, epilogue, output: &mut output }.dispatch();
        }
        Ok(output)
    }
}

/// Transforms tiles of a map into points.
struct Forward<'a> {
    input: &'a FeatureMap,
    tiles: &'a [(usize, usize)],
    target: &'a mut [f32],
}

impl SimdOp for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let channels = self.input.channels;
        let (two, four, five) = (ops.splat(2.0), ops.splat(4.0), ops.splat(5.0));
        let step = self.tiles.len() * channels;
        for (index, (row, column)) in self.tiles.iter().enumerate() {
            let corner = row * self.input.stride + column * channels;
            for channel in (0..channels).step_by(ops.len()) {
                let mut half = [[ops.zero(); PATCH]; PATCH];
                for y in 0..PATCH {
                    let start = corner + y * self.input.stride + channel;
                    let line = &self.input.values[start..start + 5 * channels + ops.len()];
                    let [a, b, c, d, e, f] = std::array::from_fn(|x| ops.load(&line[x * channels..]));
                    half[y] = points_of(ops, [a, b, c, d, e, f], two, four, five);
                }
                for x in 0..PATCH {
                    let column = points_of(ops, std::array::from_fn(|y| half[y][x]), two, four, five);
                    for (y, value) in column.into_iter().enumerate() {
                        let to = (y * PATCH + x) * step + index * channels + channel;
                        ops.store(value, &mut self.target[to..]);
                    }
                }
            }
        }
    }
}

/// The data transform, transposed B in the paper.
#[inline(always)]
fn points_of<V: Copy, O: NumOps<f32, Simd = V>>(ops: O, [a, b, c, d, e, f]: [V; PATCH], two: V, four: V, five: V) -> [V; PATCH] {
    let t0 = ops.sub(e, ops.mul(four, c));
    let t1 = ops.sub(d, ops.mul(four, b));
    let t2 = ops.sub(e, c);
    let t3 = ops.mul(two, ops.sub(d, b));
    [
        ops.add(ops.sub(ops.mul(four, a), ops.mul(five, c)), e),
        ops.add(t0, t1),
        ops.sub(t0, t1),
        ops.add(t2, t3),
        ops.sub(t2, t3),
        ops.add(ops.sub(ops.mul(four, b), ops.mul(five, d)), f),
    ]
}

/// Transforms points back into tiles of a map.
struct Back<'a, 'b> {
    source: &'a [f32],
    tiles: &'a [(usize, usize)],
    bias: &'a [f32],
    epilogue: &'a Epilogue<'b>,
    output: &'a mut FeatureMap,
}

impl SimdOp for Back<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let channels = self.output.channels;
        let (two, four, eight, zero) = (ops.splat(2.0), ops.splat(4.0), ops.splat(8.0), ops.zero());
        let step = self.tiles.len() * channels;
        for (index, (row, column)) in self.tiles.iter().enumerate() {
            for channel in (0..channels).step_by(ops.len()) {
                let bias = ops.load(&self.bias[channel..]);
                let mut half = [[zero; PATCH]; TILE];
                for x in 0..PATCH {
                    let line =
                        std::array::from_fn(|y| ops.load(&self.source[(y * PATCH + x) * step + index * channels + channel..]));
                    let sums = values_of(ops, line, two, four, eight);
                    for y in 0..TILE {
                        half[y][x] = sums[y];
                    }
                }
                for (y, half) in half.into_iter().enumerate().take(self.output.height - row) {
                    let values = values_of(ops, half, two, four, eight);
                    for (x, value) in values.into_iter().enumerate().take(self.output.width - column) {
                        let place = self.output.place(row + y, column + x) + channel;
                        let mut value = ops.add(value, bias);
                        if let Some(other) = self.epilogue.add {
                            value = ops.add(value, ops.load(&other.values[place..]));
                        }
                        if self.epilogue.relu {
                            value = ops.max(value, zero);
                        }
                        ops.store(value, &mut self.output.values[place..]);
                    }
                }
            }
        }
    }
}

/// The inverse transform, transposed A in the paper.
#[inline(always)]
fn values_of<V: Copy, O: NumOps<f32, Simd = V>>(ops: O, [a, b, c, d, e, f]: [V; PATCH], two: V, four: V, eight: V) -> [V; TILE] {
    let (sum, difference) = (ops.add(b, c), ops.sub(b, c));
    let (far_sum, far_difference) = (ops.add(d, e), ops.sub(d, e));
    [
        ops.add(ops.add(a, sum), far_sum),
        ops.mul_add(two, far_difference, difference),
        ops.mul_add(four, far_sum, sum),
        ops.add(ops.mul_add(eight, far_difference, difference), f),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::im2col::Im2col;
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|n| ((n * n * 7 + n * 31 + seed) % 2001) as f32 / 1000.0 - 1.0).collect()
    }

    /// Both implementations on sizes that are not multiples of a tile, with and without the fused operations.
    #[test]
    fn tiles_give_what_patches_give() {
        let (height, width, channels_in, channels) = (10, 13, 32, 48);
        let map = |channels: usize| {
            let mut map = FeatureMap::zeros(height, width, channels);
            for (index, values) in numbers(height * width * channels, 3).chunks_exact(channels).enumerate() {
                let place = map.place(index / width, index % width);
                map.values[place..place + channels].copy_from_slice(values);
            }
            map
        };
        let (input, other) = (map(channels_in), map(channels));
        let (kernel, bias) = (numbers(channels * channels_in * 9, 5), numbers(channels, 7));
        let gemm = GemmExecutor::new();
        let tiles = Winograd::new(&gemm, &kernel, bias.clone(), channels_in);
        let patches = Im2col::new(&gemm, &kernel, bias, (channels_in, 3), (1, 1));
        for (add, relu) in [(None, false), (Some(&other), true)] {
            let epilogue = Epilogue { add, relu };
            let one = tiles.run(&gemm, &input, &epilogue).unwrap();
            let two = patches.run(&gemm, &input, &epilogue).unwrap();
            let furthest = one.values.iter().zip(&two.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(furthest < 2e-4, "{furthest}");
        }
    }
}
