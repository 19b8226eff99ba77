//! Power spectra of overlapping frames, with the periodic Hann window.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::{Cursor, SignalError};

/// How the signal continues before its first and after its last sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Zeros: the signal is padded with silence.
    Zeros,
    /// Mirrored at the first and last sample, which are not repeated; zeros if the signal is shorter than a frame.
    Mirror,
}

/// Computes |X|² of frames that are centred on every `hop`-th sample.
pub(crate) struct Spectrum {
    hop: usize,
    edge: Edge,
    window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
    frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl Spectrum {
    pub(crate) fn new(length: usize, hop: usize, edge: Edge) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        let angle = |index: usize| std::f64::consts::TAU * index as f64 / length as f64;
        let window = (0..length).map(|index| (0.5 - 0.5 * angle(index).cos()) as f32).collect();
        let bins = transform.make_output_vec();
        Self { hop, edge, window, frame: transform.make_input_vec(), power: vec![0.0; bins.len()], bins, transform }
    }

    /// Number of frames in a signal of `samples` samples.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        1 + samples / self.hop
    }

    /// Power per bin of one frame, and the mean square of the windowed frame divided by that of the window. Consecutive
    /// frames are fastest.
    pub(crate) fn frame(&mut self, signal: &mut Cursor<'_>, index: usize) -> Result<(&[f32], f32), SignalError> {
        let length = self.window.len();
        let total = signal.len().cast_signed();
        let start = (index * self.hop).cast_signed() - (length / 2).cast_signed();
        let mirrored = self.edge == Edge::Mirror && signal.len() > length;
        // A mirrored sample lies at most one position outside the frame.
        let first = usize::try_from(start - 1).unwrap_or(0);
        let available = signal.slice(first..usize::try_from(start + length.cast_signed() + 1).unwrap_or(0))?;
        let sample =
            |position: isize| -> Option<f32> { available.get(usize::try_from(position).ok()?.checked_sub(first)?).copied() };
        let at = |position: isize| -> f32 {
            let reflected = if position < 0 { -position } else { 2 * (total - 1) - position };
            match (0..total).contains(&position) {
                true => sample(position),
                false if mirrored => sample(reflected),
                false => None,
            }
            .unwrap_or(0.0)
        };
        let (mut energy, mut weight) = (0.0_f64, 0.0_f64);
        for (offset, (value, window)) in self.frame.iter_mut().zip(&self.window).enumerate() {
            *value = at(start + offset.cast_signed()) * window;
            energy += f64::from(*value * *value);
            weight += f64::from(window * window);
        }
        // The buffers come from the plan itself, so their lengths fit.
        let transformed = self.transform.process(&mut self.frame, &mut self.bins);
        debug_assert!(transformed.is_ok());
        for (power, bin) in self.power.iter_mut().zip(&self.bins) {
            *power = bin.norm_sqr();
        }
        Ok((&self.power, (energy / weight) as f32))
    }
}
