//! How loud a signal is, and what is wrong with it.
//!
//! Measured while a recording is decoded, so that the result can warn ("the recording is silent", "clipped"), and so that what is
//! certainly no sound can be taken out of it: see [`Correction`]. Nothing is ever made louder or gated: the models
//! were trained on recordings as they are, and louder noise is taken for speech. Noise is taken out for the transcription alone, and
//! only when the settings ask for it (`denoise.rs`).

use super::{Audio, BLOCK, SignalError};

/// Below this level (RMS, and the loudest sample at most 6 dB above) a signal counts as silent.
pub const SILENCE_DBFS: f32 = -80.0;

/// A recording with more than this share of clipped samples is worth a warning. Loud but clean speech touches full scale
/// on far fewer.
pub const CLIPPED_SHARE: f32 = 0.001;

/// A constant offset below this is left alone: it is the rounding of 8-bit and companded sources.
const OFFSET_TO_REMOVE: f64 = 0.002;

/// A sample this near to full scale counts as clipped when its neighbour is as well.
const FULL_SCALE: f32 = 0.998;

/// What was measured on one signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The loudest sample, without the constant offset; above 1 when the source goes beyond full scale.
    pub peak: f32,
    /// Root mean square, without the constant offset.
    pub rms: f32,
    /// Share of samples in a run at full scale, 0 to 1.
    pub clipped: f32,
}

impl Levels {
    /// Whether there is nothing to hear.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        decibels(self.rms) < SILENCE_DBFS && decibels(self.peak) < SILENCE_DBFS + 6.0
    }

    /// Whether enough samples are cut off that words may be lost.
    #[must_use]
    pub fn is_clipped(&self) -> bool {
        self.clipped > CLIPPED_SHARE
    }

    /// The level in decibels below full scale; −200 for digital silence.
    #[must_use]
    pub fn dbfs(&self) -> f32 {
        decibels(self.rms)
    }
}

/// Measures one signal.
///
/// # Errors
/// When it cannot be read.
pub fn measure(audio: &Audio) -> Result<Levels, SignalError> {
    let mut meter = Meter::default();
    for block in audio.blocks(0..audio.len(), BLOCK) {
        meter.push(&block?);
    }
    Ok(meter.levels())
}

/// Measures a signal while it goes by.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    count: usize,
    lowest: f32,
    highest: f32,
    sum: f64,
    energy: f64,
    clipped: usize,
    /// Whether the last sample was at full scale.
    at_ceiling: bool,
}

impl Default for Meter {
    fn default() -> Self {
        Self { count: 0, lowest: f32::INFINITY, highest: f32::NEG_INFINITY, sum: 0.0, energy: 0.0, clipped: 0, at_ceiling: false }
    }
}

impl Meter {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.count += samples.len();
        for &sample in samples {
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
            self.sum += f64::from(sample);
            self.energy += f64::from(sample) * f64::from(sample);
            // Sources at another rate ring a little around the ceiling, so a run near it is what tells clipping from one
            // loud sample.
            let at_ceiling = sample.abs() >= FULL_SCALE;
            self.clipped += usize::from(at_ceiling && self.at_ceiling);
            self.at_ceiling = at_ceiling;
        }
    }

    /// What was measured so far.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let count = self.count.max(1) as f64;
        let rms = (self.energy() / count).sqrt() as f32;
        Levels { peak: self.peak_around((self.sum / count) as f32), rms, clipped: (self.clipped as f64 / count) as f32 }
    }

    /// What sets the signal right.
    #[must_use]
    pub fn correction(&self) -> Correction {
        let mean = self.sum / self.count.max(1) as f64;
        let offset = if mean.abs() < OFFSET_TO_REMOVE { 0.0 } else { mean as f32 };
        let peak = self.peak_around(offset);
        Correction { offset, gain: if peak > 1.0 { 1.0 / peak } else { 1.0 } }
    }

    /// The energy of all samples, without that of a constant offset.
    pub(super) fn energy(&self) -> f64 {
        let mean = self.sum / self.count.max(1) as f64;
        // Rounding may leave a little less than nothing.
        (self.energy - mean * self.sum).max(0.0)
    }

    fn peak_around(&self, offset: f32) -> f32 {
        // Of nothing, both are infinitely far on the other side.
        (self.highest - offset).max(offset - self.lowest).max(0.0)
    }
}

/// What is done to every sample of a signal: a constant offset, which cheap recorders add and which hides silence, goes, and what
/// is beyond full scale (files of floats, and loud ones of MP3 and Opus) is lowered to it as a whole instead of being cut off.
/// Nearly all signals need neither and stay as they are, to the last bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    offset: f32,
    gain: f32,
}

impl Correction {
    /// Nothing is to be done.
    pub const NONE: Self = Self { offset: 0.0, gain: 1.0 };

    /// The sample set right.
    #[must_use]
    pub fn of(self, sample: f32) -> f32 {
        (sample - self.offset) * self.gain
    }
}

/// A level between 0 and 1 in decibels below full scale.
#[must_use]
pub fn decibels(level: f32) -> f32 {
    20.0 * level.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels_of(samples: Vec<f32>) -> Levels {
        measure(&Audio::new(samples)).unwrap()
    }

    fn tone(level: f32) -> Vec<f32> {
        (0..16_000).map(|index| level * (index as f32 * 0.1).sin()).collect()
    }

    #[test]
    fn nothing_and_almost_nothing_are_silent() {
        assert!(levels_of(Vec::new()).is_silent());
        assert!(levels_of(vec![0.0; 1_000]).is_silent());
        assert!(levels_of(tone(0.000_05)).is_silent());
    }

    #[test]
    fn a_whisper_is_not_silent() {
        assert!(!levels_of(tone(0.001)).is_silent());
    }

    #[test]
    fn a_short_word_in_an_hour_of_zeros_is_not_silence() {
        let mut samples = vec![0.0; 1_000_000];
        samples.extend(tone(0.01).into_iter().take(800));
        assert!(!levels_of(samples).is_silent());
    }

    #[test]
    fn an_overdriven_tone_is_clipped_and_a_loud_one_is_not() {
        assert!(levels_of(tone(1.5)).is_clipped());
        assert!(!levels_of(tone(0.99)).is_clipped());
    }

    #[test]
    fn the_level_of_a_sine_is_three_decibels_below_its_peak() {
        let levels = levels_of(tone(0.5));
        assert!((levels.dbfs() - decibels(0.5) + 3.01).abs() < 0.05);
        assert!((levels.peak - 0.5).abs() < 0.001);
    }

    fn meter(samples: &[f32]) -> Meter {
        let mut meter = Meter::default();
        meter.push(samples);
        meter
    }

    #[test]
    fn a_constant_offset_goes_and_is_no_sound() {
        let moved: Vec<f32> = tone(0.5).iter().map(|sample| sample + 0.25).collect();
        let (clean, found) = (levels_of(tone(0.5)), meter(&moved).levels());
        assert!((found.rms - clean.rms).abs() < 1e-3 && (found.peak - clean.peak).abs() < 1e-3);
        let correction = meter(&moved).correction();
        let mean = moved.iter().map(|sample| correction.of(*sample)).sum::<f32>() / moved.len() as f32;
        assert!(mean.abs() < 1e-4, "{mean}");
        assert!(meter(&[0.1; 1_000]).levels().is_silent());
    }

    #[test]
    fn what_is_beyond_full_scale_is_lowered_and_nothing_else_is_touched() {
        // Whole periods, so that there is no offset.
        let tone = |level: f32| -> Vec<f32> {
            (0..16_000).map(|index| level * (index as f32 * std::f32::consts::TAU / 160.0).sin()).collect()
        };
        let correction = meter(&tone(2.0)).correction();
        assert!(tone(2.0).iter().zip(tone(1.0)).all(|(loud, whole)| (correction.of(*loud) - whole).abs() < 1e-3));
        for level in [0.0, 0.001, 0.5, 1.0] {
            assert_eq!(meter(&tone(level)).correction(), Correction::NONE);
        }
    }
}
