//! The feature recipe `fbank80-kaldi`: log mel filterbank energies in 80 bands every 10 ms, as Kaldi computes them
//! without dither.
//!
//! For networks of WeSpeaker and 3D-Speaker. Both expect the mean over time to be subtracted; it depends on the frames
//! that a network is given, so the caller subtracts it.
//!
//! Source: Kaldi's feature-window and mel-computations, as documented for `compute-fbank-feats`;
//! scripts/fbank_golden.py reproduces the test's reference values with kaldi-native-fbank.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;

use super::filterbank::FilterBank;
use super::frame_table::{FrameTable, FrameTableWriter};
use crate::audio::{Audio, Cursor, SAMPLE_RATE, SignalError};

pub(super) const HOP: usize = 160;
pub(super) const BANDS: usize = 80;
const LENGTH: usize = 400;
/// FFT length in samples: the next power of two after [`LENGTH`].
const TRANSFORM: usize = 512;
const LOWEST_HZ: f64 = 20.0;
const PREEMPHASIS: f32 = 0.97;
/// Lower bound of a band's energy before the logarithm.
const FLOOR: f32 = f32::EPSILON;

/// Shape of the analysis window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FbankWindow {
    /// Hann to the power of 0.85, Kaldi's default.
    Povey,
    /// The Hamming window, 0.54 - 0.46 cos.
    Hamming,
}

/// Front-end options in which supported networks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FbankOptions {
    /// Shape of the analysis window.
    pub window: FbankWindow,
    /// Scales samples to ±32768 (16-bit integers) instead of ±1.
    pub sixteen_bit: bool,
}

/// Computes the frames of a signal. Frame `i` is centred on sample `i * HOP`; the signal is mirrored at both ends.
/// Apart from the position of the first frame these are Kaldi's frames.
pub(super) fn fbank(audio: &Audio, options: FbankOptions) -> Result<FrameTable, SignalError> {
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(TRANSFORM);
    let bank = FilterBank::kaldi(SAMPLE_RATE, TRANSFORM, BANDS, LOWEST_HZ);
    let window = window(options.window);
    let scale = if options.sixteen_bit { 32_768.0 } else { 1.0 };
    let mut signal = audio.cursor();
    let mut rows = FrameTableWriter::new(BANDS, &audio.scratch())?;
    let mut bands = [0.0; BANDS];
    let (mut frame, mut bins) = (transform.make_input_vec(), transform.make_output_vec());
    let mut power = vec![0.0; bins.len()];
    for index in 0..=audio.len() / HOP {
        let samples = &mut frame[..LENGTH];
        fill(samples, &mut signal, (index * HOP).cast_signed() - (LENGTH / 2).cast_signed())?;
        for sample in samples.iter_mut() {
            *sample *= scale;
        }
        let mean = samples.iter().sum::<f32>() / LENGTH as f32;
        let mut before = samples[0] - mean;
        for (sample, window) in samples.iter_mut().zip(&window) {
            let now = *sample - mean;
            *sample = (now - PREEMPHASIS * before) * window;
            before = now;
        }
        frame[LENGTH..].fill(0.0);
        // The buffers come from the plan itself, so their lengths fit.
        let transformed = transform.process(&mut frame, &mut bins);
        debug_assert!(transformed.is_ok());
        for (power, bin) in power.iter_mut().zip(&bins) {
            *power = bin.norm_sqr();
        }
        bank.apply(&power, &mut bands);
        bands = bands.map(|energy| energy.max(FLOOR).ln());
        rows.push(&bands)?;
    }
    rows.finish()
}

/// Copies the samples from `start` on, mirrored at both ends; zeros where the mirrored position is outside as well.
fn fill(samples: &mut [f32], signal: &mut Cursor<'_>, start: isize) -> Result<(), SignalError> {
    let last = signal.len().cast_signed() - 1;
    // A mirrored sample lies at most one position outside the frame.
    let first = usize::try_from(start - 1).unwrap_or(0);
    let available = signal.slice(first..usize::try_from(start + samples.len().cast_signed() + 1).unwrap_or(0))?;
    for (offset, sample) in samples.iter_mut().enumerate() {
        let position = start + offset.cast_signed();
        let inside = if position < 0 {
            -position
        } else if position > last {
            2 * last - position
        } else {
            position
        };
        let place = usize::try_from(inside).ok().and_then(|inside| inside.checked_sub(first));
        *sample = place.and_then(|place| available.get(place)).copied().unwrap_or(0.0);
    }
    Ok(())
}

fn window(shape: FbankWindow) -> Vec<f32> {
    let angle = |index: usize| TAU * index as f64 / (LENGTH - 1) as f64;
    let value = |index: usize| match shape {
        FbankWindow::Povey => (0.5 - 0.5 * angle(index).cos()).powf(0.85),
        FbankWindow::Hamming => 0.54 - 0.46 * angle(index).cos(),
    };
    (0..LENGTH).map(|index| value(index) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unreadable_literal, reason = "printed by scripts/fbank_golden.py")]
    #[test]
    fn frames_are_those_of_kaldi() {
        // Integer arithmetic first, so that every language produces the same samples.
        let sample = |n: u64| {
            let saw = ((n * n * 7 + n * 31) % 2001) as f32 - 1000.0;
            saw / 4000.0 * if (n / 1600) % 2 == 1 { 1.0 } else { 0.2 }
        };
        let signal = Audio::new((0..8000).map(sample).collect());
        let (povey, hamming) = (FbankWindow::Povey, FbankWindow::Hamming);
        let golden = [
            (povey, false, 2, [-11.0799, -9.54164, -7.63914, -0.318287, 1.15436]),
            (povey, false, 17, [-7.68883, -6.31021, -4.92951, 3.2677, 4.24911]),
            (povey, true, 30, [12.736, 14.3435, 16.9222, 23.0645, 24.5107]),
            (hamming, true, 2, [9.66517, 9.79558, 12.9258, 20.4543, 21.9265]),
            (hamming, true, 17, [13.1752, 14.2403, 15.7771, 24.0431, 25.019]),
            (hamming, true, 30, [12.5071, 14.1121, 16.6942, 23.0454, 24.512]),
        ];
        for (window, sixteen_bit, frame, expected) in golden {
            let rows = fbank(&signal, FbankOptions { window, sixteen_bit }).unwrap();
            assert_eq!(rows.len(), 51);
            let mut values = Vec::new();
            rows.gather(&[frame], &mut values).unwrap();
            for (band, expected) in [0, 1, 20, 55, 79].into_iter().zip(expected) {
                let value = values[band];
                assert!((value - expected).abs() < 1e-3, "{window:?} {sixteen_bit} {frame} {band}: {value}, not {expected}");
            }
        }
    }

    #[test]
    fn silence_and_nothing_are_finite() {
        let options = FbankOptions { window: FbankWindow::Povey, sixteen_bit: true };
        for samples in [vec![], vec![0.0], vec![0.0; 1000], vec![1.0; 401]] {
            let mut values = Vec::new();
            fbank(&Audio::new(samples), options).unwrap().gather(&[0, 1, 2], &mut values).unwrap();
            assert!(values.len() >= BANDS && values.iter().all(|value| value.is_finite()));
        }
    }
}
