//! Batch normalization with the ReLU after it.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the processor's vectors")]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};

/// A factor and a shift for each channel.
pub(super) struct Normalization {
    factor: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalization {
    /// From scale, bias, mean and variance of each channel, and what is added to the variance.
    pub(super) fn new([scale, bias, mean, variance]: [&[f32]; 4], epsilon: f32) -> Self {
        let factor: Vec<f32> = scale.iter().zip(variance).map(|(scale, variance)| scale / (variance + epsilon).sqrt()).collect();
        let shift = bias.iter().zip(mean).zip(&factor).map(|((bias, mean), factor)| bias - mean * factor).collect();
        Self { factor, shift }
    }

    /// Normalizes the first channels of rows that are `stride` values apart.
    pub(super) fn run(&self, rows: &[f32], stride: usize, output: &mut Vec<f32>) {
        output.clear();
        output.resize(rows.len() / stride * self.factor.len(), 0.0);
        Rectified { normalization: self, rows, stride, output }.dispatch();
    }
}

struct Rectified<'a> {
    normalization: &'a Normalization,
    rows: &'a [f32],
    stride: usize,
    output: &'a mut [f32],
}

impl SimdOp for Rectified<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let Normalization { factor, shift } = self.normalization;
        let (channels, zero) = (factor.len(), ops.zero());
        let whole = channels - channels % ops.len();
        for (row, output) in self.rows.chunks_exact(self.stride).zip(self.output.chunks_exact_mut(channels)) {
            for at in (0..whole).step_by(ops.len()) {
                let value = ops.mul_add(ops.load(&row[at..]), ops.load(&factor[at..]), ops.load(&shift[at..]));
                ops.store(ops.max(value, zero), &mut output[at..]);
            }
            for at in whole..channels {
                output[at] = row[at].mul_add(factor[at], shift[at]).max(0.0);
            }
        }
    }
}
