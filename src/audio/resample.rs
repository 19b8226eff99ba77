//! Streaming sample rate conversion, to 16 kHz and between other rates.
//!
//! A [`Resampler`] processes one channel. Samples are pushed as they are decoded; after [`Resampler::finish`], sample
//! `n` of the output is the instant `n / 16000`, and the length is `round(input * 16000 / rate)`. All times in
//! annotations depend on that, so the filter's delay is cut off at the start and its tail flushed at the end. Input at
//! the target rate passes unchanged.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use super::SAMPLE_RATE;

/// Approximate FFT block length in samples. Longer blocks have a steeper cutoff below half the lower rate; 1024 loses
/// less than 3 % of the band and delays (before compensation) by half a block.
const BLOCK: usize = 1024;

/// Largest magnitude that can be a level: that of floats which a program wrote at the scale of 32-bit integers. Everything above,
/// infinite and undefined values are damage.
pub const MAX_LEVEL: f32 = 2_147_483_648.0;

/// A sample rate that cannot be converted, in Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot resample from {0} Hz")]
pub struct UnusableRate(pub u32);

/// Converts one channel to another rate.
pub struct Resampler {
    from: u32,
    to: u32,
    filter: Option<Filter>,
    output: Vec<f32>,
    /// Samples already taken out of `output`.
    taken: usize,
    received: u64,
}

/// The FFT resampler and its pending input.
struct Filter {
    transform: Fft<f32>,
    /// Input that does not fill a block yet; shorter than a block after `push`.
    waiting: Vec<f32>,
    block: Vec<f32>,
    /// Filter delay still to be dropped from the output, in samples.
    delay: usize,
}

impl Resampler {
    /// A resampler from `rate` to 16 kHz.
    ///
    /// # Errors
    /// [`UnusableRate`] if `rate` is zero.
    pub fn new(rate: u32) -> Result<Self, UnusableRate> {
        Self::between(rate, SAMPLE_RATE)
    }

    /// A resampler between two rates in Hz.
    ///
    /// # Errors
    /// [`UnusableRate`] if either rate is zero.
    pub fn between(from: u32, to: u32) -> Result<Self, UnusableRate> {
        let filter = if from == to {
            None
        } else {
            let window = WindowFunction::BlackmanHarris2;
            let size = block_size(from, to).ok_or(UnusableRate(from))?;
            let transform = Fft::new_custom(from as usize, to as usize, size, 1, 1, window, FixedSync::Both)
                .map_err(|_| UnusableRate(from))?;
            let block = vec![0.0; transform.output_frames_max()];
            let delay = transform.output_delay();
            Some(Filter { transform, waiting: Vec::new(), block, delay })
        };
        Ok(Self { from, to, filter, output: Vec::new(), taken: 0, received: 0 })
    }

    /// Adds samples at the source rate. Values that are no level become zero, so that one bad sample cannot spoil a block or the
    /// level of the whole recording.
    pub fn push(&mut self, samples: &[f32]) {
        self.received += samples.len() as u64;
        let clean = samples.iter().map(|&sample| if sample.abs() <= MAX_LEVEL { sample } else { 0.0 });
        match &mut self.filter {
            None => self.output.extend(clean),
            Some(filter) => {
                filter.waiting.extend(clean);
                filter.drain(&mut self.output);
            }
        }
    }

    /// Takes the samples that are ready at the target rate.
    pub fn take(&mut self) -> std::vec::Drain<'_, f32> {
        self.taken += self.output.len();
        self.output.drain(..)
    }

    /// Ends the signal and returns the samples not taken yet.
    #[must_use]
    pub fn finish(mut self) -> Vec<f32> {
        // Never less than what was taken: that came from complete blocks and is late by the delay.
        let length = length_at(self.received, self.from, self.to).saturating_sub(self.taken);
        if let Some(filter) = &mut self.filter {
            filter.flush(&mut self.output, length);
        }
        self.output.resize(length, 0.0);
        self.output
    }
}

impl Filter {
    /// Processes all complete blocks.
    fn drain(&mut self, output: &mut Vec<f32>) {
        let size = self.transform.input_frames_next();
        let mut start = 0;
        while self.waiting.len() - start >= size {
            let from = start;
            start += size;
            self.run(from, size, output);
        }
        self.waiting.drain(..start);
    }

    /// Processes the last partial block, then silence until the filter's tail is out.
    fn flush(&mut self, output: &mut Vec<f32>, length: usize) {
        let last = self.waiting.len();
        self.run(0, last, output);
        // The delay is half a block, so one block of silence is enough; the bound guarantees termination.
        for _ in 0..3 {
            if output.len() >= length {
                break;
            }
            self.waiting.clear();
            self.run(0, 0, output);
        }
    }

    fn run(&mut self, from: usize, count: usize, output: &mut Vec<f32>) {
        let size = self.transform.input_frames_next();
        let partial = if count < size {
            self.waiting.resize(from + size, 0.0);
            Some(count)
        } else {
            None
        };
        let room = self.block.len();
        let indexing = Indexing { partial_len: partial, ..Indexing::default() };
        let (Ok(input), Ok(mut block)) = (
            InterleavedSlice::new(&self.waiting[from..from + size], 1, size),
            InterleavedSlice::new_mut(&mut self.block, 1, room),
        ) else {
            return;
        };
        // The sizes come from the transform itself, so this cannot fail; if it ever did, a silent block keeps later
        // times correct.
        let outcome = self.transform.process_into_buffer(&input, &mut block, Some(&indexing));
        let produced = if let Ok((_, produced)) = outcome {
            produced
        } else {
            self.block.fill(0.0);
            self.transform.output_frames_next()
        };
        let dropped = produced.min(self.delay);
        self.delay -= dropped;
        output.extend_from_slice(&self.block[dropped..produced]);
    }
}

/// Samples per block of [`Resampler::new`], which needs about 50 bytes for each: few at usual rates, twice the rate at those that have
/// no divisor in common with 16 kHz. `None` if the rate is zero.
#[must_use]
pub fn block_length(rate: u32) -> Option<usize> {
    if rate == SAMPLE_RATE { Some(0) } else { block_size(rate, SAMPLE_RATE) }
}

/// Samples per block at the rate `from`: the smallest number from [`BLOCK`] on whose half is an integer at both rates,
/// since the delay is half a block and must be a whole number of samples.
fn block_size(from: u32, to: u32) -> Option<usize> {
    let (mut divisor, mut rest) = (from, to);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let unit = (from as usize).checked_div(divisor as usize).filter(|&unit| unit > 0)?;
    Some(unit * BLOCK.div_ceil(unit).next_multiple_of(2))
}

/// Output length of [`Resampler::new`]: `round(samples * 16000 / rate)`.
#[must_use]
pub fn output_length(samples: u64, rate: u32) -> usize {
    length_at(samples, rate, SAMPLE_RATE)
}

/// `round(samples * to / from)`, without overflow.
fn length_at(samples: u64, from: u32, to: u32) -> usize {
    let scaled = u128::from(samples) * u128::from(to);
    let rate = u128::from(from.max(1));
    usize::try_from((scaled + rate / 2) / rate).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATES: [u32; 10] = [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 7_999, 16_000, 1_000];

    fn resample(samples: &[f32], rate: u32, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate).unwrap();
        let mut output = Vec::new();
        for piece in samples.chunks(piece.max(1)) {
            resampler.push(piece);
            output.extend(resampler.take());
        }
        output.extend(resampler.finish());
        output
    }

    fn tone(rate: u32, length: usize, hertz: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..length).map(|index| (0.5 * (step * index as f64).sin()) as f32).collect()
    }

    #[test]
    fn sixteen_kilohertz_passes_untouched() {
        let samples = tone(16_000, 4_321, 440.0);
        assert_eq!(resample(&samples, 16_000, 100), samples);
    }

    #[test]
    fn a_tone_stays_where_it_was() {
        for rate in RATES {
            let samples = tone(rate, rate as usize * 2, 220.0);
            let expected = tone(16_000, 32_000, 220.0);
            let output = resample(&samples, rate, 1_152);
            assert_eq!(output.len(), expected.len(), "{rate}");
            // The edges ring, because the tone starts and stops abruptly.
            let worst = (2_000..30_000).map(|n| (output[n] - expected[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{rate} Hz: off by {worst}");
        }
    }

    #[test]
    fn a_zero_rate_is_an_error() {
        assert_eq!(Resampler::new(0).err(), Some(UnusableRate(0)));
    }

    #[test]
    fn a_bad_sample_spoils_only_itself() {
        let mut samples = vec![0.1; 8_000];
        samples[100] = f32::NAN;
        samples[200] = f32::INFINITY;
        assert!(resample(&samples, 8_000, 512).iter().all(|sample| sample.is_finite()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn an_impulse_stays_where_it_was_and_the_length_is_right(
            rate in prop::sample::select(RATES.to_vec()),
            length in 1_usize..20_000,
            place in 0.0_f64..1.0,
            piece in 1_usize..5_000,
        ) {
            let mut samples = vec![0.0; length];
            let at = ((length - 1) as f64 * place) as usize;
            samples[at] = 1.0;
            let output = resample(&samples, rate, piece);
            prop_assert_eq!(output.len(), output_length(length as u64, rate));
            let expected = at as f64 * 16_000.0 / f64::from(rate);
            if expected < output.len() as f64 - 1.0 {
                let loudest = (0..output.len()).max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs())).unwrap();
                prop_assert!((loudest as f64 - expected).abs() <= 1.0, "{} instead of {}", loudest, expected);
            }
        }
    }
}
