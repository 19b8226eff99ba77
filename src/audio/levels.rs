//! Level measurements of a signal, and corrections derived from them.
//!
//! Levels are measured during decoding, so that the result can warn about silence and clipping, and offset and overload
//! can be corrected ([`Correction`]). Signals are never amplified or gated: the models were trained on recordings as
//! they are, and amplified noise is taken for speech. Noise is suppressed only for transcription and only if configured
//! (`denoise.rs`).

/// A signal is silent if its RMS is below this level and its peak at most 6 dB above it.
pub const SILENCE_DBFS: f32 = -80.0;

/// Share of clipped samples above which a recording gets a warning; loud but clean speech stays far below.
pub const CLIPPED_SHARE: f32 = 0.001;

/// Smaller DC offsets are left alone: they are rounding of 8-bit and companded sources.
const OFFSET_TO_REMOVE: f64 = 0.002;

/// A sample at this level counts as clipped if its predecessor is as well.
const FULL_SCALE: f32 = 0.998;

/// Measured levels of one signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Peak level after removal of the DC offset; above 1 if the source exceeds full scale.
    pub peak: f32,
    /// Root mean square after removal of the DC offset.
    pub rms: f32,
    /// Share of samples in runs at full scale, 0 to 1.
    pub clipped: f32,
}

impl Levels {
    /// True if the signal contains no audible sound.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        decibels(self.rms) < SILENCE_DBFS && decibels(self.peak) < SILENCE_DBFS + 6.0
    }

    /// True if enough samples are clipped to make the loss of words likely.
    #[must_use]
    pub fn is_clipped(&self) -> bool {
        self.clipped > CLIPPED_SHARE
    }

    /// RMS level in dBFS; -200 for digital silence.
    #[must_use]
    pub fn dbfs(&self) -> f32 {
        decibels(self.rms)
    }
}

/// Measures a signal while its samples pass by.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    count: usize,
    lowest: f32,
    highest: f32,
    sum: f64,
    energy: f64,
    clipped: usize,
    /// True if the previous sample was at full scale.
    at_ceiling: bool,
}

impl Default for Meter {
    fn default() -> Self {
        Self { count: 0, lowest: f32::INFINITY, highest: f32::NEG_INFINITY, sum: 0.0, energy: 0.0, clipped: 0, at_ceiling: false }
    }
}

impl Meter {
    /// Adds the next samples to the measurement.
    pub fn push(&mut self, samples: &[f32]) {
        self.count += samples.len();
        for &sample in samples {
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
            self.sum += f64::from(sample);
            self.energy += f64::from(sample) * f64::from(sample);
            // Resampling makes clipped audio ring slightly around the ceiling, so a run close to it distinguishes
            // clipping from one loud sample.
            let at_ceiling = sample.abs() >= FULL_SCALE;
            self.clipped += usize::from(at_ceiling && self.at_ceiling);
            self.at_ceiling = at_ceiling;
        }
    }

    /// The levels of all samples so far.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let count = self.count.max(1) as f64;
        let rms = (self.energy() / count).sqrt() as f32;
        Levels { peak: self.peak_around((self.sum / count) as f32), rms, clipped: (self.clipped as f64 / count) as f32 }
    }

    /// The correction that this signal needs.
    #[must_use]
    pub fn correction(&self) -> Correction {
        let mean = self.sum / self.count.max(1) as f64;
        let offset = if mean.abs() < OFFSET_TO_REMOVE { 0.0 } else { mean as f32 };
        let peak = self.peak_around(offset);
        Correction { offset, gain: if peak > 1.0 { 1.0 / peak } else { 1.0 } }
    }

    /// Sum of squares, without the DC offset.
    pub(super) fn energy(&self) -> f64 {
        let mean = self.sum / self.count.max(1) as f64;
        // Rounding may make the difference slightly negative.
        (self.energy - mean * self.sum).max(0.0)
    }

    fn peak_around(&self, offset: f32) -> f32 {
        // Both terms are negative infinity for an empty signal.
        (self.highest - offset).max(offset - self.lowest).max(0.0)
    }
}

/// A correction applied to every sample: removes a DC offset (which cheap recorders add and which hides silence), and
/// scales a signal that exceeds full scale (float files, loud MP3 and Opus) down to it instead of clipping it. Most
/// signals need neither and stay bit-identical.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    offset: f32,
    gain: f32,
}

impl Correction {
    /// Leaves every sample as it is.
    pub const NONE: Self = Self { offset: 0.0, gain: 1.0 };

    /// The corrected value of a sample.
    #[must_use]
    pub fn of(self, sample: f32) -> f32 {
        (sample - self.offset) * self.gain
    }
}

/// Converts a linear level, 0 to 1, to dBFS.
#[must_use]
pub fn decibels(level: f32) -> f32 {
    20.0 * level.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels_of(samples: &[f32]) -> Levels {
        meter(samples).levels()
    }

    fn tone(level: f32) -> Vec<f32> {
        (0..16_000).map(|index| level * (index as f32 * 0.1).sin()).collect()
    }

    #[test]
    fn nothing_and_almost_nothing_are_silent() {
        assert!(levels_of(&[]).is_silent());
        assert!(levels_of(&[0.0; 1_000]).is_silent());
        assert!(levels_of(&tone(0.000_05)).is_silent());
    }

    #[test]
    fn a_whisper_is_not_silent() {
        assert!(!levels_of(&tone(0.001)).is_silent());
    }

    #[test]
    fn a_short_word_in_an_hour_of_zeros_is_not_silence() {
        let mut samples = vec![0.0; 1_000_000];
        samples.extend(tone(0.01).into_iter().take(800));
        assert!(!levels_of(&samples).is_silent());
    }

    #[test]
    fn an_overdriven_tone_is_clipped_and_a_loud_one_is_not() {
        assert!(levels_of(&tone(1.5)).is_clipped());
        assert!(!levels_of(&tone(0.99)).is_clipped());
    }

    #[test]
    fn the_level_of_a_sine_is_three_decibels_below_its_peak() {
        let levels = levels_of(&tone(0.5));
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
        let (clean, found) = (levels_of(&tone(0.5)), meter(&moved).levels());
        assert!((found.rms - clean.rms).abs() < 1e-3 && (found.peak - clean.peak).abs() < 1e-3);
        let correction = meter(&moved).correction();
        let mean = moved.iter().map(|sample| correction.of(*sample)).sum::<f32>() / moved.len() as f32;
        assert!(mean.abs() < 1e-4, "{mean}");
        assert!(meter(&[0.1; 1_000]).levels().is_silent());
    }

    #[test]
    fn only_signals_beyond_full_scale_are_scaled() {
        // Whole periods, so that there is no DC offset.
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
