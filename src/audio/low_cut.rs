//! Removes hum and rumble where they contain most of a signal's energy.
//!
//! Voice activity and tone detectors take loud hum for a tone, and discard the speech in it: of the sample calls with
//! hum at -20 dBFS, two become silent and the others lose half of their words. A low-cut filter on every recording does
//! more harm than good (docs/experiments.md), so it is applied only where more than half of the energy is below the
//! range of voices.
//!
//! Butterworth high-pass filters as cascaded biquads: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter
//! coefficients". Computed in double precision, because the poles are close to one.

use super::levels::Meter;
use super::signal_writer::SignalWriter;
use super::{Audio, BLOCK, SAMPLE_RATE, SignalError};

/// Lower end of the range of voices, in Hz; mains hum and rumble are below.
const VOICE_FLOOR_HZ: f64 = 80.0;

/// Cutoff in Hz; includes the first harmonic of mains hum, which is as steady as the fundamental. Telephones cut at
/// twice this frequency. Word error rate on the sample calls with hum of 50 and 100 Hz: 1.1 % (as without hum), 1.5 %
/// with a cutoff of 120 Hz, 43 % with 80 Hz, 66 % without a filter.
const CUTOFF_HZ: f64 = 150.0;

/// Minimum share of energy below [`VOICE_FLOOR_HZ`]. On 80 recordings of calls, meetings and readers it is at most
/// 0.45, below 0.1 for nine in ten; hum at -20 dBFS raises it to 0.8.
const MIN_SHARE: f64 = 0.5;

/// Measures, while samples pass by, the energy above the range of hum and rumble.
#[derive(Debug, Clone)]
pub(super) struct LowFrequencyMeter {
    filter: HighPass<2>,
    above: f64,
}

impl LowFrequencyMeter {
    pub(super) fn new() -> Self {
        Self { filter: HighPass::new(VOICE_FLOOR_HZ), above: 0.0 }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        for &sample in samples {
            let voiced = self.filter.next(f64::from(sample));
            self.above += voiced * voiced;
        }
    }

    /// True if hum and rumble are most of the signal's energy, given without its DC offset.
    pub(super) fn dominates(&self, energy: f64) -> bool {
        self.above < (1.0 - MIN_SHARE) * energy
    }
}

/// The signal with hum and rumble removed, stored where the signal itself is.
pub(super) fn low_cut(audio: Audio) -> Result<Audio, SignalError> {
    let mut filter = HighPass::<4>::new(CUTOFF_HZ);
    let mut meter = Meter::default();
    let mut cut = |samples: &mut [f32]| {
        for sample in samples.iter_mut() {
            *sample = filter.next(f64::from(*sample)) as f32;
        }
        meter.push(samples);
    };
    match audio.into_samples() {
        Ok(mut samples) => {
            // In place: a copy would double the memory.
            cut(&mut samples);
            let correction = meter.correction();
            for sample in &mut samples {
                *sample = correction.of(*sample);
            }
            Ok(Audio::new(samples))
        }
        Err(audio) => {
            let mut writer = SignalWriter::new(audio.scratch());
            writer.spill()?;
            for block in audio.blocks(0..audio.len(), BLOCK) {
                let mut block = block?.into_owned();
                cut(&mut block);
                writer.push(&block)?;
            }
            writer.finish(meter.correction())
        }
    }
}

/// A Butterworth high-pass filter of order `2 * N`.
#[derive(Debug, Clone)]
struct HighPass<const N: usize>([Biquad; N]);

impl<const N: usize> HighPass<N> {
    /// A filter with its -3 dB point at `hertz`.
    fn new(hertz: f64) -> Self {
        // The poles of the whole filter lie evenly on a half circle, one pair per section.
        let damping = |link: usize| (std::f64::consts::PI * (2 * link + 1) as f64 / (4 * N) as f64).cos();
        Self(std::array::from_fn(|link| Biquad::high_pass(hertz, damping(link))))
    }

    fn next(&mut self, sample: f64) -> f64 {
        self.0.iter_mut().fold(sample, |sample, link| link.next(sample))
    }
}

/// A second-order section with its state.
#[derive(Debug, Clone, Copy)]
struct Biquad {
    outer: f64,
    back: [f64; 2],
    inputs: [f64; 2],
    outputs: [f64; 2],
}

impl Biquad {
    fn high_pass(hertz: f64, damping: f64) -> Self {
        let angle = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        let (sine, cosine) = angle.sin_cos();
        let scale = 1.0 / (1.0 + sine * damping);
        Self {
            outer: 0.5 * (1.0 + cosine) * scale,
            back: [-2.0 * cosine * scale, (1.0 - sine * damping) * scale],
            inputs: [0.0; 2],
            outputs: [0.0; 2],
        }
    }

    fn next(&mut self, sample: f64) -> f64 {
        let forward = self.outer * (sample - 2.0 * self.inputs[0] + self.inputs[1]);
        let output = forward - self.back[0] * self.outputs[0] - self.back[1] * self.outputs[1];
        self.inputs = [sample, self.inputs[0]];
        self.outputs = [output, self.outputs[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32, hertz: f32, index: usize) -> f32 {
        level * (std::f32::consts::TAU * hertz * index as f32 / 16_000.0).sin()
    }

    fn dominates(signal: impl Fn(usize) -> f32) -> bool {
        let samples: Vec<f32> = (0..64_000).map(signal).collect();
        let (mut meter, mut low_frequencies) = (Meter::default(), LowFrequencyMeter::new());
        meter.push(&samples);
        low_frequencies.push(&samples);
        low_frequencies.dominates(meter.energy())
    }

    #[test]
    fn hum_prevails_when_it_is_louder_than_all_else() {
        assert!(dominates(|index| tone(0.1, 50.0, index) + tone(0.05, 300.0, index)));
        assert!(!dominates(|index| tone(0.05, 50.0, index) + tone(0.1, 300.0, index)));
        assert!(!dominates(|index| tone(0.1, 110.0, index)));
        assert!(!dominates(|index| 0.3 + tone(0.1, 300.0, index)));
        assert!(!dominates(|_| 0.0));
    }

    #[test]
    fn low_frequencies_are_removed_and_voices_kept() {
        for (hertz, least, most) in
            [(50.0, 0.0, 0.001), (100.0, 0.03, 0.05), (150.0, 0.69, 0.72), (250.0, 0.98, 1.01), (3000.0, 0.99, 1.01)]
        {
            let audio = Audio::new((0..64_000).map(|index| tone(0.5, hertz, index)).collect());
            let left = low_cut(audio.clone()).unwrap();
            // A signal that nobody else has is changed in place, to the same.
            let alone = Audio::new(audio.read(0..audio.len()).unwrap().into_owned());
            assert_eq!(low_cut(alone).unwrap().read(0..audio.len()).unwrap(), left.read(0..audio.len()).unwrap());
            let level = |audio: &Audio| {
                let inside = audio.read(16_000..48_000).unwrap();
                inside.iter().map(|sample| sample * sample).sum::<f32>().sqrt()
            };
            let ratio = level(&left) / level(&audio);
            assert!((least..=most).contains(&ratio), "{hertz}: {ratio}");
        }
    }
}
