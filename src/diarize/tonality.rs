//! Detects what is certainly not speech: music, ring-back and dialling tones, beeps, DTMF keys and hum.
//!
//! Voice activity detectors are trained against noise and react to anything with a pitch. Tones and notes keep their
//! pitch: their spectral peaks stay within a few hertz for a fifth of a second. In speech the pitch glides all the
//! time, and higher harmonics glide proportionally more. So the share of energy in steady peaks is near 1 for tones,
//! about 0.85 for held notes and below 0.1 for speech; only long vowels reach 0.5 for a moment. DTMF keys are too short
//! for this and are detected by their pairs of frequencies (ITU-T Q.23).
//!
//! Sounds without steady peaks (drums, noise, singing) are not detected.

use std::collections::VecDeque;

use super::DiarizeError;
use super::segmentation::Window;
use crate::audio::{Audio, SAMPLE_RATE};
use crate::context::JobContext;
use crate::voiceprint::spectrum::{Edge, Spectrum};

/// Hop and length of frames in samples: 16 ms, as in [`super::voice_activity`], and 64 ms.
const HOP: usize = 256;
const LENGTH: usize = 1024;
/// Analysed band, in bins of 15.6 Hz: 78 to 4063 Hz, telephone speech and mains hum.
const BAND: std::ops::Range<usize> = 5..261;
/// A peak is steady if it recurs at all these distances (in frames) before and after, within this many hertz.
const NEIGHBOURS: [usize; 3] = [2, 4, 6];
const MAX_DISTANCE: usize = 6;
const STEADY_HZ: f32 = 4.0;
/// Peaks below this share of the frame's energy are ignored.
const MIN_PEAK_SHARE: f32 = 1e-4;
/// DTMF frequencies in Hz, their relative tolerance, and the minimum share of a frame's energy in the two tones.
const DTMF_LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const DTMF_HIGH: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const DTMF_TOLERANCE: f32 = 0.018;
const DTMF_SHARE: f32 = 0.8;
/// A frame is tonal if the mean steady share around it reaches both thresholds: within ±0.2 s, so that words next to a
/// beep are kept, and within ±0.5 s, so that a vowel is not tonal. Each is a reach in frames and a share.
const NEAR: (usize, f32) = (12, 0.35);
const FAR: (usize, f32) = (31, 0.5);
/// Frames between two checks of the stop signal.
const BLOCK: usize = 4096;

/// Which frames of a recording are tonal.
#[derive(Debug, Clone)]
pub(super) struct Tonality {
    tonal: Vec<bool>,
}

/// A peak of the power spectrum.
#[derive(Debug, Clone, Copy)]
struct SpectralPeak {
    hertz: f32,
    energy: f32,
}

/// The peaks of one frame and the energy in its band.
#[derive(Debug, Clone, Default)]
struct Frame {
    peaks: Vec<SpectralPeak>,
    energy: f32,
}

impl Tonality {
    /// Analyses a whole recording.
    pub(super) fn of(ctx: &JobContext, audio: &Audio) -> Result<Self, DiarizeError> {
        let mut spectrum = Spectrum::new(LENGTH, HOP, Edge::Zeros);
        let mut signal = audio.cursor();
        let total = spectrum.frames(audio.len());
        let (mut weights, mut steady) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut history = FrameHistory::default();
        for index in 0..total {
            if index % BLOCK == 0 {
                ctx.check()?;
            }
            let frame = peaks(spectrum.frame(&mut signal, index)?.0);
            // Weighted by the square root of the energy: loud frames count more, but one click does not dominate.
            weights.push(f64::from(frame.energy).sqrt());
            history.push(frame);
            if let Some(place) = index.checked_sub(MAX_DISTANCE) {
                steady.push(f64::from(history.steady_share(place)));
            }
        }
        steady.extend((steady.len()..total).map(|place| f64::from(history.steady_share(place))).collect::<Vec<_>>());
        let near = weighted_means(&steady, &weights, NEAR.0);
        let far = weighted_means(&steady, &weights, FAR.0);
        let tonal = near.iter().zip(&far).map(|(near, far)| *near >= NEAR.1 && *far >= FAR.1).collect();
        Ok(Self { tonal })
    }

    /// True if a sample lies in a tone.
    pub(super) fn is_tonal(&self, sample: usize) -> bool {
        self.tonal.get((sample + HOP / 2) / HOP).copied().unwrap_or(false)
    }

    /// Clears a window's activity in tonal frames.
    pub(super) fn silence(&self, window: &mut Window) {
        for frame in 0..window.active.len() {
            if self.is_tonal(window.centre(frame)) {
                window.active[frame] = 0;
                window.probability[frame] = Default::default();
            }
        }
    }
}

fn peaks(power: &[f32]) -> Frame {
    let energy: f32 = power[BAND].iter().sum();
    let mut peaks = Vec::new();
    if energy <= 1e-9 {
        return Frame { peaks, energy: 0.0 };
    }
    for bin in BAND {
        let (left, middle, right) = (power[bin - 1], power[bin], power[bin + 1]);
        if middle <= left || middle < right || middle < MIN_PEAK_SHARE * energy {
            continue;
        }
        // Vertex of a parabola through the logarithms: accurate to a fraction of a bin.
        let log = |power: f32| power.max(1e-20).ln();
        let bend = log(left) - 2.0 * log(middle) + log(right);
        let offset = if bend < 0.0 { (0.5 * (log(left) - log(right)) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        let hertz = (bin as f32 + offset) * SAMPLE_RATE as f32 / LENGTH as f32;
        peaks.push(SpectralPeak { hertz, energy: power[bin - 2..=bin + 2].iter().sum() });
    }
    Frame { peaks, energy }
}

/// The latest frames, as many as one frame is compared with on both sides.
#[derive(Default)]
struct FrameHistory {
    /// Index of the first frame in the history.
    first: usize,
    frames: VecDeque<Frame>,
}

impl FrameHistory {
    fn push(&mut self, frame: Frame) {
        if self.frames.len() > 2 * MAX_DISTANCE {
            self.frames.pop_front();
            self.first += 1;
        }
        self.frames.push_back(frame);
    }

    fn get(&self, place: usize) -> Option<&Frame> {
        self.frames.get(place.checked_sub(self.first)?)
    }

    /// Share of a frame's energy in steady peaks, 0 to 1.
    fn steady_share(&self, place: usize) -> f32 {
        let Some(frame) = self.get(place).filter(|frame| frame.energy > 0.0) else { return 0.0 };
        if is_dtmf(frame) {
            return 1.0;
        }
        let lasts = |peak: &&SpectralPeak| {
            NEIGHBOURS.iter().all(|distance| {
                // At the ends of the recording only one side exists.
                let sides = [place.checked_sub(*distance), Some(place + distance)];
                sides.into_iter().flatten().filter_map(|place| self.get(place)).all(|other| other.holds(peak.hertz))
            })
        };
        let steady: f32 = frame.peaks.iter().filter(lasts).map(|peak| peak.energy).sum();
        (steady / frame.energy).min(1.0)
    }
}

impl Frame {
    fn holds(&self, hertz: f32) -> bool {
        // Peaks are sorted by frequency.
        let from = self.peaks.partition_point(|peak| peak.hertz < hertz - STEADY_HZ);
        self.peaks.get(from).is_some_and(|peak| peak.hertz <= hertz + STEADY_HZ)
    }
}

/// True if the two strongest peaks are a low and a high DTMF tone and contain nearly all energy.
fn is_dtmf(frame: &Frame) -> bool {
    let mut strongest: Vec<&SpectralPeak> = frame.peaks.iter().collect();
    strongest.sort_by(|one, other| other.energy.total_cmp(&one.energy));
    let [first, second, ..] = strongest[..] else { return false };
    let (low, high) = if first.hertz < second.hertz { (first, second) } else { (second, first) };
    let near = |hertz: f32, tones: &[f32]| tones.iter().any(|tone| (hertz - tone).abs() <= DTMF_TOLERANCE * tone);
    near(low.hertz, &DTMF_LOW) && near(high.hertz, &DTMF_HIGH) && low.energy + high.energy >= DTMF_SHARE * frame.energy
}

/// Weighted mean around each index, over `reach` values to both sides.
fn weighted_means(values: &[f64], weights: &[f64], reach: usize) -> Vec<f32> {
    let sums = |terms: &mut dyn Iterator<Item = f64>| {
        let mut sums = vec![0.0];
        sums.extend(terms.scan(0.0, |sum, term| {
            *sum += term;
            Some(*sum)
        }));
        sums
    };
    let weighted = sums(&mut values.iter().zip(weights).map(|(value, weight)| value * weight));
    let weight = sums(&mut weights.iter().copied());
    let mean = |index: usize| {
        let (from, to) = (index.saturating_sub(reach), (index + reach + 1).min(values.len()));
        let total = weight[to] - weight[from];
        if total > 1e-12 { ((weighted[to] - weighted[from]) / total) as f32 } else { 0.0 }
    };
    (0..values.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(seconds: f32, at: impl Fn(f32) -> f32) -> Audio {
        let rate = SAMPLE_RATE as f32;
        Audio::new((0..(seconds * rate) as usize).map(|index| at(index as f32 / rate)).collect())
    }

    fn tonal_share(audio: &Audio) -> f32 {
        let tonality = Tonality::of(&JobContext::detached(), audio).unwrap();
        tonality.tonal.iter().filter(|tonal| **tonal).count() as f32 / tonality.tonal.len() as f32
    }

    /// Pseudo-random noise, -0.5 to 0.5 (S. Vigna's splitmix64).
    fn noise(seed: u64) -> f32 {
        let mut value = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((value ^ (value >> 31)) >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    fn sine(hertz: f32, time: f32) -> f32 {
        (std::f32::consts::TAU * hertz * time).sin()
    }

    #[test]
    fn tones_hum_and_keys_are_tonal() {
        assert!(tonal_share(&signal(3.0, |t| sine(440.0, t))) > 0.95);
        assert!(tonal_share(&signal(3.0, |t| 0.3 * sine(350.0, t) + 0.3 * sine(440.0, t))) > 0.95);
        assert!(tonal_share(&signal(3.0, |t| (1..8).map(|k| 0.05 * sine(50.0 * k as f32, t)).sum())) > 0.95);
        let keys = signal(3.0, |t| if t % 0.15 < 0.1 { 0.3 * sine(770.0, t) + 0.3 * sine(1336.0, t) } else { 0.0 });
        assert!(tonal_share(&keys) > 0.8);
    }

    #[test]
    fn gliding_voices_noise_and_silence_are_not() {
        // A buzz whose pitch varies by a tenth four times a second, as in lively speech.
        let voice = |t: f32| (1..20).map(|k| 0.03 * sine(k as f32, 120.0 * t + 0.5 * sine(4.0, t))).sum();
        assert!(tonal_share(&signal(3.0, voice)) < 0.05);
        assert!(tonal_share(&signal(3.0, |t| noise((t * 16_000.0).round() as u64))) < 0.05);
        assert!(tonal_share(&signal(3.0, |_| 0.0)) < f32::EPSILON);
        assert!(tonal_share(&signal(0.0, |_| 0.0)) < f32::EPSILON);
    }

    #[test]
    fn speech_after_a_beep_is_kept() {
        let audio = signal(3.0, |t| {
            if t < 1.0 {
                0.9 * sine(440.0, t)
            } else {
                (1..20).map(|k| 0.02 * sine(k as f32, 120.0 * t + 0.5 * sine(4.0, t))).sum()
            }
        });
        let tonality = Tonality::of(&JobContext::detached(), &audio).unwrap();
        assert!(tonality.is_tonal(8000));
        assert!(!tonality.is_tonal(16_000 + 6400));
    }
}
