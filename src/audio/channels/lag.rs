//! Estimates the lag between two channels: milliseconds between microphones, up to 400 ms for an echo or a copy that
//! went through a network.
//!
//! Averages the normalized cross-correlation (by FFT) of half-second pieces. Chance correlations between two voices
//! have a different lag in each piece; the same sound has one lag in all.

use std::ops::RangeInclusive;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::audio::{Audio, SignalError};

/// Samples per piece: half a second.
pub(super) const PIECE: usize = 8_192;

/// Maximum lag in samples: 400 ms. Echoes on mobile and satellite lines arrive within 300 ms.
pub(super) const MAX_LAG: isize = 6_400;

/// FFT length: holds a piece with the maximum lag on both sides, and factors into small primes.
const LENGTH: usize = 24_576;

/// Accumulates the correlation of pieces of one channel with another.
pub(super) struct LagSearch {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    lags: RangeInclusive<isize>,
    /// Sum of the correlations of all pieces, one value per lag.
    sum: Vec<f32>,
    pieces: usize,
}

impl LagSearch {
    /// A search over a range of lags within ±[`MAX_LAG`].
    pub(super) fn new(lags: RangeInclusive<isize>) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(LENGTH), planner.plan_fft_inverse(LENGTH));
        let count = (lags.end() - lags.start() + 1).cast_unsigned();
        Self { forward, back, lags, sum: vec![0.0; count], pieces: 0 }
    }

    /// Correlates the piece of `source` at `start` with `target`, adds it to the sum, and returns one value per lag;
    /// `None` at the edges of the recording.
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
            let correlation = product / (energy * beside.max(0.0) as f32).sqrt().max(1e-6);
            found.push(correlation.clamp(-1.0, 1.0));
            if let (Some(leaving), Some(entering)) = (around.get(lag), around.get(lag + PIECE)) {
                beside += f64::from(entering * entering) - f64::from(leaving * leaving);
            }
        }
        self.sum.iter_mut().zip(&found).for_each(|(sum, found)| *sum += found);
        self.pieces += 1;
        Ok(Some(found))
    }

    /// The unnormalized cross-correlation at all lags.
    fn products(&self, piece: &[f32], around: &[f32]) -> Option<Vec<f32>> {
        let transform = |samples: &[f32]| {
            let (mut padded, mut spectrum) = (samples.to_vec(), self.forward.make_output_vec());
            padded.resize(LENGTH, 0.0);
            self.forward.process(&mut padded, &mut spectrum).ok().map(|()| spectrum)
        };
        let (of_piece, of_around) = (transform(piece)?, transform(around)?);
        let mut crossed: Vec<Complex<f32>> = of_piece.iter().zip(&of_around).map(|(a, b)| a.conj() * b).collect();
        // First and last bin of a real signal's spectrum are real; rounding may leave an imaginary part.
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

    /// The lag with the largest mean correlation in magnitude, and that correlation with its sign.
    pub(super) fn best(&self) -> Option<(isize, f32)> {
        let (index, sum) = self.sum.iter().enumerate().max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
        (self.pieces > 0).then(|| (self.lags.start() + index.cast_signed(), sum / self.pieces as f32))
    }
}
