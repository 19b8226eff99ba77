//! Convolutions of any stride with a kernel of 1x1 or 3x3, as one product of matrices: patches times kernels.

use rten_gemm::{BiasVector, GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

use super::plane::{Ending, Plane};

/// Patches laid out at once: enough to fill the kernels of the product, few enough to stay in the cache.
const HELD: usize = 256;

pub(super) struct Patches {
    /// Side of the kernel, and the steps down and along.
    size: usize,
    strides: (usize, usize),
    channels_in: usize,
    weights: PackedBMatrix<f32>,
    bias: Vec<f32>,
}

impl Patches {
    /// `kernel` is [channels, channels_in, size, size].
    pub(super) fn new(
        gemm: &GemmExecutor,
        kernel: &[f32],
        bias: Vec<f32>,
        (channels_in, size): (usize, usize),
        strides: (usize, usize),
    ) -> Self {
        let (channels, area) = (bias.len(), size * size);
        let mut weights = vec![0.0; kernel.len()];
        for (place, value) in kernel.iter().enumerate() {
            let (to, from, at) = (place / area / channels_in, place / area % channels_in, place % area);
            weights[(at * channels_in + from) * channels + to] = *value;
        }
        let weights = gemm.prepack_b(NdTensorView::from_data([area * channels_in, channels], weights.as_slice()));
        Self { size, strides, channels_in, weights, bias }
    }

    pub(super) fn run(&self, gemm: &GemmExecutor, input: &Plane, ending: &Ending<'_>) -> Result<Plane, GemmError> {
        let channels = self.bias.len();
        let height = input.height.div_ceil(self.strides.0);
        let width = input.width.div_ceil(self.strides.1);
        let mut output = Plane::zeros(height, width, channels);
        let row_length = self.size * self.channels_in;
        let depth = self.size * row_length;
        let mut patches = Vec::with_capacity(HELD * depth);
        let mut sums = vec![0.0; HELD * channels];
        // A kernel of 3x3 begins one row and column before its place.
        let before = self.size / 2;
        let all: Vec<(usize, usize)> = (0..height * width).map(|place| (place / width, place % width)).collect();
        for places in all.chunks(HELD) {
            patches.clear();
            for (row, column) in places {
                let corner = input.place(row * self.strides.0, column * self.strides.1);
                for line in 0..self.size {
                    let start = corner + line * input.stride - before * (input.stride + input.channels);
                    patches.extend_from_slice(&input.values[start..start + row_length]);
                }
            }
            let sums = &mut sums[..places.len() * channels];
            let left = NdTensorView::from_data([places.len(), depth], patches.as_slice());
            let options = GemmOptions { bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
            gemm.gemm(sums, GemmInputA::Unpacked(left), GemmInputB::Packed(&self.weights), options)?;
            for ((row, column), sums) in places.iter().zip(sums.chunks_exact_mut(channels)) {
                let place = output.place(*row, *column);
                ending.apply(place, sums);
                output.values[place..place + channels].copy_from_slice(sums);
            }
        }
        Ok(output)
    }
}
