//! How loud a signal is, and what is wrong with it.
//!
//! Pure functions of the samples. They measure, so that the result can warn ("the recording is silent", "clipped"), and
//! remove what is certainly not sound: a constant offset. They never amplify, gate or denoise: the models were trained on
//! recordings as they are, and louder noise is taken for speech.

use super::Audio;

/// Below this level (RMS, and the loudest sample at most 6 dB above) a signal counts as silent.
pub const SILENCE_DBFS: f32 = -80.0;

/// A recording with more than this share of clipped samples is worth a warning. Loud but clean speech touches full scale
/// on far fewer.
pub const CLIPPED_SHARE: f32 = 0.001;

/// An offset below this is left alone: it is the rounding of 8-bit and companded sources.
const OFFSET_TO_REMOVE: f64 = 0.002;

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
#[must_use]
pub fn measure(audio: &Audio) -> Levels {
    let samples = audio.samples();
    if samples.is_empty() {
        return Levels { peak: 0.0, rms: 0.0, clipped: 0.0 };
    }
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    // Sources at another rate ring a little around the ceiling, so a run near it is what tells clipping from one loud
    // sample.
    let clipped = samples.windows(2).filter(|pair| pair.iter().all(|sample| sample.abs() >= FULL_SCALE)).count();
    let count = samples.len() as f64;
    Levels { peak, rms: (energy / count).sqrt() as f32, clipped: (clipped as f64 / count) as f32 }
}

/// Takes away a constant offset, which cheap recorders add and which hides clipping and silence. A signal without one is
/// handed back untouched.
#[must_use]
pub fn remove_offset(audio: Audio) -> Audio {
    let samples = audio.samples();
    let mean = samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / samples.len().max(1) as f64;
    if mean.abs() < OFFSET_TO_REMOVE {
        return audio;
    }
    Audio::new(samples.iter().map(|&sample| sample - mean as f32).collect())
}

/// A level between 0 and 1 in decibels below full scale.
#[must_use]
pub fn decibels(level: f32) -> f32 {
    20.0 * level.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32) -> Vec<f32> {
        (0..16_000).map(|index| level * (index as f32 * 0.1).sin()).collect()
    }

    #[test]
    fn nothing_and_almost_nothing_are_silent() {
        assert!(measure(&Audio::new(Vec::new())).is_silent());
        assert!(measure(&Audio::new(vec![0.0; 1_000])).is_silent());
        assert!(measure(&Audio::new(tone(0.000_05))).is_silent());
    }

    #[test]
    fn a_whisper_is_not_silent() {
        assert!(!measure(&Audio::new(tone(0.001))).is_silent());
    }

    #[test]
    fn a_short_word_in_an_hour_of_zeros_is_not_silence() {
        let mut samples = vec![0.0; 1_000_000];
        samples.extend(tone(0.01).into_iter().take(800));
        assert!(!measure(&Audio::new(samples)).is_silent());
    }

    #[test]
    fn an_overdriven_tone_is_clipped_and_a_loud_one_is_not() {
        assert!(measure(&Audio::new(tone(1.5))).is_clipped());
        assert!(!measure(&Audio::new(tone(0.99))).is_clipped());
    }

    #[test]
    fn the_level_of_a_sine_is_three_decibels_below_its_peak() {
        let levels = measure(&Audio::new(tone(0.5)));
        assert!((levels.dbfs() - decibels(0.5) + 3.01).abs() < 0.05);
        assert!((levels.peak - 0.5).abs() < 0.001);
    }

    #[test]
    fn an_offset_goes_and_a_clean_signal_is_left_alone() {
        let clean = Audio::new(tone(0.5));
        assert_eq!(remove_offset(clean.clone()), clean);
        let moved = Audio::new(tone(0.5).iter().map(|sample| sample + 0.1).collect());
        let mean = remove_offset(moved).samples().iter().sum::<f32>() / 16_000.0;
        assert!(mean.abs() < 0.001);
    }
}
