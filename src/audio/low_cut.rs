//! Hum and rumble, where they are louder than everything else: then they are taken out, for all that follows.
//!
//! Detectors of voices and of tones take loud hum for a tone, and speech with it: of our calls with hum at -20 dBFS two are silence and
//! the others lose half of their words. A low-cut filter in front of every recording does more harm than good (docs/architecture.md),
//! so it is used only where more than half of the energy lies below all voices.
//!
//! Butterworth high-passes as chains of biquads: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients". Run in
//! double precision, since their poles lie close to one.

use super::levels::Meter;
use super::writer::Writer;
use super::{Audio, BLOCK, SAMPLE_RATE, SignalError};

/// Voices begin above this, in Hz; mains hum and rumble lie below.
const BELOW_VOICES: f64 = 80.0;

/// What is taken out, in Hz: the first overtone of mains hum as well, which is as steady as hum itself. Telephones leave out twice as
/// much. Measured on our calls with hum of 50 and 100 Hz: 1.1 % of the words are wrong as without hum, with a cut at 120 Hz 1.5 %, at
/// 80 Hz 43 %, with none 66 %.
const CUT: f64 = 150.0;

/// The share of the energy that has to lie below all voices. On 80 recordings of calls, meetings and readers it is at most 0.45, in
/// nine of ten below 0.1; hum at -20 dBFS makes it 0.8.
const SHARE: f64 = 0.5;

/// Finds out, while a signal goes by, how much of it lies below all voices.
#[derive(Debug, Clone)]
pub(super) struct Rumble {
    filter: Chain<2>,
    above: f64,
}

impl Rumble {
    pub(super) fn new() -> Self {
        Self { filter: Chain::new(BELOW_VOICES), above: 0.0 }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        for &sample in samples {
            let heard = self.filter.next(f64::from(sample));
            self.above += heard * heard;
        }
    }

    /// Whether it is most of a signal of this energy, its constant offset left out.
    pub(super) fn prevails(&self, energy: f64) -> bool {
        self.above < (1.0 - SHARE) * energy
    }
}

/// The signal without hum and rumble; kept where the signal itself is.
pub(super) fn low_cut(audio: &Audio) -> Result<Audio, SignalError> {
    let mut filter = Chain::<4>::new(CUT);
    let (mut meter, mut writer) = (Meter::default(), Writer::new(audio.scratch()));
    writer.spill()?;
    for block in audio.blocks(0..audio.len(), BLOCK) {
        let block: Vec<f32> = block?.iter().map(|&sample| filter.next(f64::from(sample)) as f32).collect();
        meter.push(&block);
        writer.push(&block)?;
    }
    writer.finish(meter.correction())
}

/// A Butterworth high-pass of order `2 * N`.
#[derive(Debug, Clone)]
struct Chain<const N: usize>([Biquad; N]);

impl<const N: usize> Chain<N> {
    /// 3 dB down at so many Hz.
    fn new(hertz: f64) -> Self {
        // The poles of the whole lie evenly on a half circle, a pair of them in each link.
        let damping = |link: usize| (std::f64::consts::PI * (2 * link + 1) as f64 / (4 * N) as f64).cos();
        Self(std::array::from_fn(|link| Biquad::high_pass(hertz, damping(link))))
    }

    fn next(&mut self, sample: f64) -> f64 {
        self.0.iter_mut().fold(sample, |sample, link| link.next(sample))
    }
}

/// One link, with what it remembers of the signal.
#[derive(Debug, Clone, Copy)]
struct Biquad {
    outer: f64,
    back: [f64; 2],
    before: [f64; 2],
    given: [f64; 2],
}

impl Biquad {
    fn high_pass(hertz: f64, damping: f64) -> Self {
        let angle = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        let (sine, cosine) = angle.sin_cos();
        let scale = 1.0 / (1.0 + sine * damping);
        Self {
            outer: 0.5 * (1.0 + cosine) * scale,
            back: [-2.0 * cosine * scale, (1.0 - sine * damping) * scale],
            before: [0.0; 2],
            given: [0.0; 2],
        }
    }

    fn next(&mut self, sample: f64) -> f64 {
        let forward = self.outer * (sample - 2.0 * self.before[0] + self.before[1]);
        let output = forward - self.back[0] * self.given[0] - self.back[1] * self.given[1];
        self.before = [sample, self.before[0]];
        self.given = [output, self.given[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32, hertz: f32, index: usize) -> f32 {
        level * (std::f32::consts::TAU * hertz * index as f32 / 16_000.0).sin()
    }

    fn prevails(signal: impl Fn(usize) -> f32) -> bool {
        let samples: Vec<f32> = (0..64_000).map(signal).collect();
        let (mut meter, mut rumble) = (Meter::default(), Rumble::new());
        meter.push(&samples);
        rumble.push(&samples);
        rumble.prevails(meter.energy())
    }

    #[test]
    fn hum_prevails_when_it_is_louder_than_all_else() {
        assert!(prevails(|index| tone(0.1, 50.0, index) + tone(0.05, 300.0, index)));
        assert!(!prevails(|index| tone(0.05, 50.0, index) + tone(0.1, 300.0, index)));
        assert!(!prevails(|index| tone(0.1, 110.0, index)));
        assert!(!prevails(|index| 0.3 + tone(0.1, 300.0, index)));
        assert!(!prevails(|_| 0.0));
    }

    #[test]
    fn what_lies_below_goes_and_voices_stay() {
        for (hertz, least, most) in
            [(50.0, 0.0, 0.001), (100.0, 0.03, 0.05), (150.0, 0.69, 0.72), (250.0, 0.98, 1.01), (3000.0, 0.99, 1.01)]
        {
            let audio = Audio::new((0..64_000).map(|index| tone(0.5, hertz, index)).collect());
            let left = low_cut(&audio).unwrap();
            let level = |audio: &Audio| {
                let inside = audio.read(16_000..48_000).unwrap();
                inside.iter().map(|sample| sample * sample).sum::<f32>().sqrt()
            };
            let ratio = level(&left) / level(&audio);
            assert!((least..=most).contains(&ratio), "{hertz}: {ratio}");
        }
    }
}
