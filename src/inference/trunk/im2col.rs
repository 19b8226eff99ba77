//! Convolutions of any stride with 1x1 or 3x3 kernels, as one matrix product: patches times kernels (im2col).

use rten_gemm::{BiasVector, GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

use super::feature_map::{Epilogue, FeatureMap};

/// Patches per matrix product: enough to fill its kernels, few enough to stay in the cache.
const MAX_PATCHES: usize = 256;

pub(super) struct Im2col {
    /// Side of the kernel.
    size: usize,
    strides: (usize, usize),
    channels_in: usize,
    weights: PackedBMatrix<f32>,
    bias: Vec<f32>,
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
        let weights = gemm.prepack_b(NdTensorView::from_data([area * channels_in, channels], weights.as_slice()));
        Self { size, strides, channels_in, weights, bias }
    }

    pub(super) fn run(&self, gemm: &GemmExecutor, input: &FeatureMap, epilogue: &Epilogue<'_>) -> Result<FeatureMap, GemmError> {
        let channels = self.bias.len();
        let height = input.height.div_ceil(self.strides.0);
        let width = input.width.div_ceil(self.strides.1);
        let mut output = FeatureMap::zeros(height, width, channels);
        let row_length = self.size * self.channels_in;
        let depth = self.size * row_length;
        let mut patches = Vec::with_capacity(MAX_PATCHES * depth);
        let mut sums = vec![0.0; MAX_PATCHES * channels];
        // A 3x3 kernel begins one row and one column before its position.
        let before = self.size / 2;
        let all: Vec<(usize, usize)> = (0..height * width).map(|place| (place / width, place % width)).collect();
        for places in all.chunks(MAX_PATCHES) {
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
                epilogue.apply(place, sums);
                output.values[place..place + channels].copy_from_slice(sums);
            }
        }
        Ok(output)
    }
}
