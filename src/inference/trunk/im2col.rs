//! Convolutions of any stride with 1x1 or 3x3 kernels, as one matrix product: patches times kernels (im2col).

use rten_gemm::{BiasVector, GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::SimdOp;
use rten_tensor::NdTensorView;

use super::super::narrow::{Narrow, suits};
use super::feature_map::{Epilogue, FeatureMap};

/// Patches per matrix product: enough to fill its kernels, few enough to stay in the cache.
const MAX_PATCHES: usize = 256;

pub(super) struct Im2col {
    /// Side of the kernel.
    size: usize,
    strides: (usize, usize),
    channels_in: usize,
    weights: Weights,
    bias: Vec<f32>,
}

enum Weights {
    Packed(PackedBMatrix<f32>),
    /// The patches are read where they lie.
    Narrow(Vec<f32>),
}

impl Im2col {
    /// `kernel` has the shape [channels, channels_in, size, size]; `strides` are those of rows and columns.
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
        let weights = if suits(weights.len(), channels) {
            Weights::Narrow(weights)
        } else {
            Weights::Packed(gemm.prepack_b(NdTensorView::from_data([area * channels_in, channels], weights.as_slice())))
        };
        Self { size, strides, channels_in, weights, bias }
    }

    pub(super) fn run(&self, gemm: &GemmExecutor, input: &FeatureMap, epilogue: &Epilogue<'_>) -> Result<FeatureMap, GemmError> {
        let (height, width) = (input.height.div_ceil(self.strides.0), input.width.div_ceil(self.strides.1));
        let mut output = FeatureMap::zeros(height, width, self.bias.len());
        match &self.weights {
            Weights::Packed(weights) => self.gathered(gemm, weights, input, epilogue, &mut output)?,
            Weights::Narrow(weights) => self.in_place(weights, input, epilogue, &mut output),
        }
        Ok(output)
    }

    /// Index of the first value of the patch of an output position; a 3x3 kernel begins one row and one column before it.
    fn corner(&self, input: &FeatureMap, row: usize, column: usize) -> usize {
        input.place(row * self.strides.0, column * self.strides.1) - self.size / 2 * (input.stride + input.channels)
    }

    fn in_place(&self, weights: &[f32], input: &FeatureMap, epilogue: &Epilogue<'_>, output: &mut FeatureMap) {
        let channels = self.bias.len();
        let mut sums = vec![0.0; output.width * channels];
        for row in 0..output.height {
            let product = Narrow {
                input: &input.values,
                start: self.corner(input, row, 0),
                step: self.strides.1 * self.channels_in,
                lines: self.size,
                line_step: input.stride,
                depth: self.size * self.channels_in,
                weights,
                columns: channels,
                output: &mut sums,
            };
            product.dispatch();
            for (column, sums) in sums.chunks_exact_mut(channels).enumerate() {
                sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += bias);
                output.put(row, column, sums, epilogue);
            }
        }
    }

    fn gathered(
        &self,
        gemm: &GemmExecutor,
        weights: &PackedBMatrix<f32>,
        input: &FeatureMap,
        epilogue: &Epilogue<'_>,
        output: &mut FeatureMap,
    ) -> Result<(), GemmError> {
        let channels = self.bias.len();
        let row_length = self.size * self.channels_in;
        let depth = self.size * row_length;
        let mut patches = Vec::with_capacity(MAX_PATCHES * depth);
        let mut sums = vec![0.0; MAX_PATCHES * channels];
        let all: Vec<(usize, usize)> =
            (0..output.height * output.width).map(|place| (place / output.width, place % output.width)).collect();
        for places in all.chunks(MAX_PATCHES) {
            patches.clear();
            for (row, column) in places {
                let corner = self.corner(input, *row, *column);
                for line in 0..self.size {
                    patches.extend_from_slice(&input.values[corner + line * input.stride..][..row_length]);
                }
            }
            let sums = &mut sums[..places.len() * channels];
            let left = NdTensorView::from_data([places.len(), depth], patches.as_slice());
            let options = GemmOptions { bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
            gemm.gemm(sums, GemmInputA::Unpacked(left), GemmInputB::Packed(weights), options)?;
            for ((row, column), sums) in places.iter().zip(sums.chunks_exact_mut(channels)) {
                output.put(*row, *column, sums, epilogue);
            }
        }
        Ok(())
    }
}
