//! The kinds of layers, and how each is computed. Values lie frame by frame.

use rten_gemm::{GemmError, GemmExecutor};
use rten_simd::SimdOp as _;

use super::super::narrow::Narrow;
use super::linear::Linear;
use super::mask::Mask;
use super::normalization::Normalization;

/// The first layer, over several frames.
pub(super) struct Start {
    pub(super) linear: Linear,
    /// Values of a frame.
    pub(super) width: usize,
    /// Frames under the kernel, an odd number.
    pub(super) size: usize,
    pub(super) stride: usize,
}

/// A convolution over three frames, `dilation` frames apart.
pub(super) struct Local {
    pub(super) weights: Vec<f32>,
    pub(super) channels: usize,
    pub(super) dilation: usize,
}

/// A layer that adds channels.
pub(super) struct Layer {
    pub(super) normalization: Normalization,
    pub(super) linear: Linear,
    pub(super) local: Local,
    pub(super) mask: Mask,
}

/// The layer after a block, which takes all its channels.
pub(super) struct Transit {
    pub(super) normalization: Normalization,
    pub(super) linear: Linear,
}

impl Start {
    pub(super) fn run(&self, gemm: &GemmExecutor, frames: &[f32]) -> Result<Vec<f32>, GemmError> {
        let count = frames.len() / self.width;
        let pad = self.size / 2 * self.width;
        let mut padded = vec![0.0; frames.len() + 2 * pad];
        padded[pad..pad + frames.len()].copy_from_slice(frames);
        let places = (0..count.div_ceil(self.stride)).map(|place| place * self.stride * self.width);
        let patches: Vec<f32> = places.flat_map(|place| padded[place..place + self.size * self.width].iter().copied()).collect();
        let mut values = vec![0.0; count.div_ceil(self.stride) * self.linear.outputs()];
        self.linear.run(gemm, &patches, &mut values)?;
        rectify(&mut values);
        Ok(values)
    }
}

/// Buffers that all layers use in turn.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) prepared: Vec<f32>,
    active: Vec<f32>,
    added: Vec<f32>,
}

impl Layer {
    /// Appends this layer's channels to rows of `width` values.
    pub(super) fn run(
        &self,
        gemm: &GemmExecutor,
        wide: &mut [f32],
        width: usize,
        scratch: &mut Scratch,
    ) -> Result<(), GemmError> {
        let (before, between, channels) = (self.linear.inputs(), self.linear.outputs(), self.local.channels);
        self.normalization.run(wide, width, &mut scratch.prepared);
        // With a border of zeros on both sides.
        let count = wide.len() / width;
        let border = self.local.dilation * between;
        scratch.active.clear();
        scratch.active.resize(count * between + 2 * border, 0.0);
        let active = &mut scratch.active[border..border + count * between];
        self.linear.run(gemm, &scratch.prepared, active)?;
        rectify(active);
        let factors = self.mask.factors(active, between);
        scratch.added.clear();
        scratch.added.resize(count * channels, 0.0);
        let product = Narrow {
            input: &scratch.active,
            start: 0,
            step: between,
            lines: 3,
            line_step: border,
            depth: between,
            weights: &self.local.weights,
            columns: channels,
            output: &mut scratch.added,
        };
        product.dispatch();
        let rows = wide.chunks_exact_mut(width).zip(scratch.added.chunks_exact(channels));
        for (frame, (wide, added)) in rows.enumerate() {
            let factors = &factors[frame / self.mask.segment];
            for ((target, added), factor) in wide[before..before + channels].iter_mut().zip(added).zip(factors) {
                *target = added * factor;
            }
        }
        Ok(())
    }
}

/// Replaces negative values by zero.
pub(super) fn rectify(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}
