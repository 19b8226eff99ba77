//! How much later one channel has what the other has: milliseconds between microphones, up to a third of a second for an echo or a
//! copy that went through a network.
//!
//! The cross-correlation of half seconds, by Fourier transform, each with its own energies divided out and all averaged: what
//! two voices have in common by chance is of another lag in each, what is the same sound is of one.

use std::ops::RangeInclusive;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::audio::{Audio, SignalError};

/// Samples of a piece that is looked for: half a second.
pub(super) const PIECE: usize = 8_192;

/// The longest lag, in samples: 400 ms. Echoes of mobile and satellite lines come within 300 ms.
pub(super) const LONGEST: isize = 6_400;

/// A transform that holds a piece with the longest lag on both sides, of a length that is quick to transform.
const LENGTH: usize = 24_576;

/// Looks for pieces of one channel in another.
pub(super) struct Search {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    lags: RangeInclusive<isize>,
    /// The sum of all pieces' correlations, a value a lag.
    sum: Vec<f32>,
    pieces: usize,
}

impl Search {
    /// For lags of this range, which lies within the longest.
    pub(super) fn new(lags: RangeInclusive<isize>) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(LENGTH), planner.plan_fft_inverse(LENGTH));
        let count = (lags.end() - lags.start() + 1).cast_unsigned();
        Self { forward, back, lags, sum: vec![0.0; count], pieces: 0 }
    }

    /// Looks for the piece of `source` that begins at `start` in `target`. The correlations, a value a lag; none where one of
    /// them has no sound.
    pub(super) fn add(&mut self, source: &Audio, target: &Audio, start: usize) -> Result<Option<Vec<f32>>, SignalError> {
        let first = start.cast_signed() + self.lags.start();
        if first < 0 {
            return Ok(None);
        }
        let piece = source.read(start..start + PIECE)?;
        let reach = self.sum.len() - 1 + PIECE;
        let around = target.read(first.cast_unsigned()..first.cast_unsigned() + reach)?;
        if piece.len() < PIECE || around.len() < reach {
            return Ok(None);
        }
        let energy: f32 = piece.iter().map(|sample| sample * sample).sum();
        let Some(products) = self.products(&piece, &around) else { return Ok(None) };
        let mut beside: f64 = around[..PIECE].iter().map(|sample| f64::from(sample * sample)).sum();
        let mut found = Vec::with_capacity(self.sum.len());
        for (lag, product) in products.iter().take(self.sum.len()).enumerate() {
            let likeness = product / (energy * beside.max(0.0) as f32).sqrt().max(1e-6);
            found.push(likeness.clamp(-1.0, 1.0));
            if let (Some(leaving), Some(entering)) = (around.get(lag), around.get(lag + PIECE)) {
                beside += f64::from(entering * entering) - f64::from(leaving * leaving);
            }
        }
        self.sum.iter_mut().zip(&found).for_each(|(sum, found)| *sum += found);
        self.pieces += 1;
        Ok(Some(found))
    }

    /// The sums of products at all lags.
    fn products(&self, piece: &[f32], around: &[f32]) -> Option<Vec<f32>> {
        let transform = |samples: &[f32]| {
            let (mut padded, mut spectrum) = (samples.to_vec(), self.forward.make_output_vec());
            padded.resize(LENGTH, 0.0);
            self.forward.process(&mut padded, &mut spectrum).ok().map(|()| spectrum)
        };
        let (of_piece, of_around) = (transform(piece)?, transform(around)?);
        let mut crossed: Vec<Complex<f32>> = of_piece.iter().zip(&of_around).map(|(a, b)| a.conj() * b).collect();
        // The ends of a real signal's spectrum are real; rounding may have left a trace.
        for end in [0, crossed.len() - 1] {
            crossed[end].im = 0.0;
        }
        let mut products = self.back.make_output_vec();
        self.back.process(&mut crossed, &mut products).ok()?;
        for product in &mut products {
            *product /= LENGTH as f32;
        }
        Some(products)
    }

    /// The lag at which the pieces are most alike, and how much, with its sign.
    pub(super) fn best(&self) -> Option<(isize, f32)> {
        let (index, sum) = self.sum.iter().enumerate().max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
        (self.pieces > 0).then(|| (self.lags.start() + index.cast_signed(), sum / self.pieces as f32))
    }
}
