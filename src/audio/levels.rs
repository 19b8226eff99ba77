//! How loud a signal is, and what is wrong with it.
//!
//! Measured, so that the result can warn ("the recording is silent", "clipped"); nothing is changed here.

use super::{Audio, BLOCK, SignalError};

/// Below this level (RMS, and the loudest sample at most 6 dB above) a signal counts as silent.
pub const SILENCE_DBFS: f32 = -80.0;

/// A recording with more than this share of clipped samples is worth a warning. Loud but clean speech touches full scale
/// on far fewer.
pub const CLIPPED_SHARE: f32 = 0.001;

/// A sample this near to full scale counts as clipped when its neighbour is as well.
const FULL_SCALE: f32 = 0.998;

/// What was measured on one signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The loudest sample, 0 to 1.
    pub peak: f32,
    /// Root mean square, 0 to 1.
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
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    count: usize,
    peak: f32,
    energy: f64,
    clipped: usize,
    /// Whether the last sample was at full scale.
    at_ceiling: bool,
}

impl Meter {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.count += samples.len();
        for &sample in samples {
            self.peak = self.peak.max(sample.abs());
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
        Levels { peak: self.peak, rms: (self.energy / count).sqrt() as f32, clipped: (self.clipped as f64 / count) as f32 }
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
}
