//! Matrix products with few columns, directly from a feature map.
//!
//! A general product packs both sides first, which takes longer than the product itself if each value is used for a few
//! channels only. Here the weights fit into the processor's first cache, and rows are read where they lie.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the processor's vectors")]

use rten_simd::ops::NumOps;
use rten_simd::{Isa, SimdOp};

/// Column counts must be multiples of this, two vectors on every processor.
const COLUMNS: usize = 32;
/// The most weights of a product, 48 KB.
const MAX_WEIGHTS: usize = 12 * 1024;
/// Rows that are computed together: with two vectors each they fill the registers of the smallest processor.
const ROWS: usize = 6;

/// True if a product with so many weights and columns is faster here than as a general one.
pub(in crate::inference) fn suits(weights: usize, columns: usize) -> bool {
    columns.is_multiple_of(COLUMNS) && weights <= MAX_WEIGHTS
}

/// Rows times weights. A row consists of `lines` stretches of `depth` values.
pub(in crate::inference) struct Narrow<'a> {
    pub(in crate::inference) input: &'a [f32],
    /// Index of the first value of the first row.
    pub(in crate::inference) start: usize,
    /// Distance between the starts of two rows.
    pub(in crate::inference) step: usize,
    pub(in crate::inference) lines: usize,
    /// Distance between the starts of two lines of a row.
    pub(in crate::inference) line_step: usize,
    pub(in crate::inference) depth: usize,
    /// Row-major, `lines` times `depth` rows of `columns` values.
    pub(in crate::inference) weights: &'a [f32],
    pub(in crate::inference) columns: usize,
    /// Row-major; its length gives the number of rows.
    pub(in crate::inference) output: &'a mut [f32],
}

impl SimdOp for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) {
        let ops = isa.f32();
        let count = self.output.len() / self.columns;
        let whole = count - count % ROWS;
        for first in (0..whole).step_by(ROWS) {
            self.rows::<_, _, ROWS>(ops, first);
        }
        for row in whole..count {
            self.rows::<_, _, 1>(ops, row);
        }
    }
}

impl Narrow<'_> {
    #[inline(always)]
    fn rows<V: Copy, O: NumOps<f32, Simd = V>, const COUNT: usize>(&mut self, ops: O, first: usize) {
        let pair = 2 * ops.len();
        for column in (0..self.columns).step_by(pair) {
            let mut sums = [[ops.zero(); 2]; COUNT];
            for line in 0..self.lines {
                let values: [&[f32]; COUNT] = std::array::from_fn(|row| {
                    &self.input[self.start + (first + row) * self.step + line * self.line_step..][..self.depth]
                });
                let weights = &self.weights[line * self.depth * self.columns..][..self.depth * self.columns];
                for (at, weights) in weights.chunks_exact(self.columns).enumerate() {
                    let weights = &weights[column..column + pair];
                    let (one, other) = (ops.load(weights), ops.load(&weights[ops.len()..]));
                    for (sums, values) in sums.iter_mut().zip(&values) {
                        let value = ops.splat(values[at]);
                        sums[0] = ops.mul_add(value, one, sums[0]);
                        sums[1] = ops.mul_add(value, other, sums[1]);
                    }
                }
            }
            for (row, [one, other]) in sums.into_iter().enumerate() {
                let target = &mut self.output[(first + row) * self.columns + column..][..pair];
                ops.store(one, target);
                ops.store(other, &mut target[ops.len()..]);
            }
        }
    }
}
