//! What is certainly not speech: music, ring-back and dialling tones, beeps, keys and hum.
//!
//! Voice detectors are trained against noise and fire on anything with a pitch. What sets tones and notes apart is that
//! they keep their pitch: the lines of their spectrum stay within a few hertz for a fifth of a second, while in speech the pitch
//! glides all the time, and its upper harmonics with it by as many times more. So the share of the energy that lies in steady
//! lines is near one for tones, about 0.85 for held notes, and below a tenth for speech; only drawn-out vowels reach one half
//! for a moment. Keys are too short for that and are known by their pairs of frequencies (ITU-T Q.23).
//!
//! What has no steady lines (drums, noise, song) is not found here.

use std::collections::VecDeque;

use super::DiarizeError;
use super::segmentation::Window;
use crate::audio::{Audio, SAMPLE_RATE};
use crate::context::JobContext;
use crate::voiceprint::spectrum::{Edge, Spectrum};

/// Samples from one frame to the next, as in [`super::activity`]; 64 ms are looked at.
const HOP: usize = 256;
const LENGTH: usize = 1024;
/// The band that is looked at, in bins of 15.6 Hz: 78 to 4063 Hz, telephone speech and mains hum.
const BAND: std::ops::Range<usize> = 5..261;
/// A line is steady when it is found in all these frames before and after, within so many hertz.
const NEIGHBOURS: [usize; 3] = [2, 4, 6];
const FURTHEST: usize = 6;
const STEADY_HZ: f32 = 4.0;
/// Lines weaker than this share of the frame's energy are not looked for.
const WEAKEST: f32 = 1e-4;
/// The rows and columns of the keypad, in Hz, how exact they are, and how much of the energy the two tones of a key hold.
const KEY_ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const KEY_COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEY_TOLERANCE: f32 = 0.018;
const KEY_SHARE: f32 = 0.8;
/// A frame is a tone when its surroundings are, near (0.4 s) and far (1 s): the far ones so that a vowel is none, the near ones so
/// that words next to a beep stay.
const NEAR: (usize, f32) = (12, 0.35);
const FAR: (usize, f32) = (31, 0.5);
/// Frames between two looks at the stop signal.
const BLOCK: usize = 4096;

/// Where a recording holds tones, frame by frame.
#[derive(Debug, Clone)]
pub(super) struct Tonality {
    tonal: Vec<bool>,
}

/// A peak of a spectrum.
#[derive(Debug, Clone, Copy)]
struct Line {
    hertz: f32,
    energy: f32,
}

/// The lines of one frame and the energy in its band.
#[derive(Debug, Clone, Default)]
struct Frame {
    lines: Vec<Line>,
    energy: f32,
}

impl Tonality {
    /// Looks through a recording.
    pub(super) fn of(ctx: &JobContext, audio: &Audio) -> Result<Self, DiarizeError> {
        let mut spectrum = Spectrum::new(LENGTH, HOP, Edge::Zeros);
        let mut signal = audio.cursor();
        let total = spectrum.frames(audio.len());
        let (mut weights, mut steady) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut around = Surroundings::default();
        for index in 0..total {
            if index % BLOCK == 0 {
                ctx.check()?;
            }
            let frame = lines(spectrum.frame(&mut signal, index)?.0);
            // The root of the energy: loud frames count more, but one click does not count for all.
            weights.push(f64::from(frame.energy).sqrt());
            around.push(frame);
            if let Some(place) = index.checked_sub(FURTHEST) {
                steady.push(f64::from(around.steady_share(place)));
            }
        }
        steady.extend((steady.len()..total).map(|place| f64::from(around.steady_share(place))).collect::<Vec<_>>());
        let near = weighted_means(&steady, &weights, NEAR.0);
        let far = weighted_means(&steady, &weights, FAR.0);
        let tonal = near.iter().zip(&far).map(|(near, far)| *near >= NEAR.1 && *far >= FAR.1).collect();
        Ok(Self { tonal })
    }

    /// Whether a sample lies in a tone.
    pub(super) fn is_tonal(&self, sample: usize) -> bool {
        self.tonal.get((sample + HOP / 2) / HOP).copied().unwrap_or(false)
    }

    /// Takes back what a window hears in tones.
    pub(super) fn silence(&self, window: &mut Window) {
        for frame in 0..window.active.len() {
            if self.is_tonal(window.centre(frame)) {
                window.active[frame] = 0;
                window.probability[frame] = Default::default();
            }
        }
    }
}

fn lines(power: &[f32]) -> Frame {
    let energy: f32 = power[BAND].iter().sum();
    let mut lines = Vec::new();
    if energy <= 1e-9 {
        return Frame { lines, energy: 0.0 };
    }
    for bin in BAND {
        let (left, middle, right) = (power[bin - 1], power[bin], power[bin + 1]);
        if middle <= left || middle < right || middle < WEAKEST * energy {
            continue;
        }
        // The top of a parabola through the logarithms: exact to a fraction of a bin.
        let log = |power: f32| power.max(1e-20).ln();
        let bend = log(left) - 2.0 * log(middle) + log(right);
        let offset = if bend < 0.0 { (0.5 * (log(left) - log(right)) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        let hertz = (bin as f32 + offset) * SAMPLE_RATE as f32 / LENGTH as f32;
        lines.push(Line { hertz, energy: power[bin - 2..=bin + 2].iter().sum() });
    }
    Frame { lines, energy }
}

/// The last frames: as many as a frame is compared with before and after it.
#[derive(Default)]
struct Surroundings {
    /// The place of the first of them.
    first: usize,
    frames: VecDeque<Frame>,
}

impl Surroundings {
    fn push(&mut self, frame: Frame) {
        if self.frames.len() > 2 * FURTHEST {
            self.frames.pop_front();
            self.first += 1;
        }
        self.frames.push_back(frame);
    }

    fn get(&self, place: usize) -> Option<&Frame> {
        self.frames.get(place.checked_sub(self.first)?)
    }

    /// The share of a frame's energy in lines that last, 0 to 1.
    fn steady_share(&self, place: usize) -> f32 {
        let Some(frame) = self.get(place).filter(|frame| frame.energy > 0.0) else { return 0.0 };
        if is_key(frame) {
            return 1.0;
        }
        let lasts = |line: &&Line| {
            NEIGHBOURS.iter().all(|distance| {
                // At the ends of the recording there is only one side to ask.
                let sides = [place.checked_sub(*distance), Some(place + distance)];
                sides.into_iter().flatten().filter_map(|place| self.get(place)).all(|other| other.holds(line.hertz))
            })
        };
        let steady: f32 = frame.lines.iter().filter(lasts).map(|line| line.energy).sum();
        (steady / frame.energy).min(1.0)
    }
}

impl Frame {
    fn holds(&self, hertz: f32) -> bool {
        // Lines are in order of frequency.
        let from = self.lines.partition_point(|line| line.hertz < hertz - STEADY_HZ);
        self.lines.get(from).is_some_and(|line| line.hertz <= hertz + STEADY_HZ)
    }
}

/// Whether the two strongest lines are a row and a column of the keypad and hold nearly all energy.
fn is_key(frame: &Frame) -> bool {
    let mut strongest: Vec<&Line> = frame.lines.iter().collect();
    strongest.sort_by(|one, other| other.energy.total_cmp(&one.energy));
    let [first, second, ..] = strongest[..] else { return false };
    let (low, high) = if first.hertz < second.hertz { (first, second) } else { (second, first) };
    let near = |hertz: f32, tones: &[f32]| tones.iter().any(|tone| (hertz - tone).abs() <= KEY_TOLERANCE * tone);
    near(low.hertz, &KEY_ROWS) && near(high.hertz, &KEY_COLUMNS) && low.energy + high.energy >= KEY_SHARE * frame.energy
}

/// The mean around each place, `reach` places to both sides.
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

    /// Noise without a pattern, -0.5 to 0.5 (S. Vigna's splitmix64).
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
        // A buzz whose pitch goes up and down by a tenth four times a second, as in lively speech.
        let voice = |t: f32| (1..20).map(|k| 0.03 * sine(k as f32, 120.0 * t + 0.5 * sine(4.0, t))).sum();
        assert!(tonal_share(&signal(3.0, voice)) < 0.05);
        assert!(tonal_share(&signal(3.0, |t| noise((t * 16_000.0).round() as u64))) < 0.05);
        assert!(tonal_share(&signal(3.0, |_| 0.0)) < f32::EPSILON);
        assert!(tonal_share(&signal(0.0, |_| 0.0)) < f32::EPSILON);
    }

    #[test]
    fn what_follows_a_beep_stays() {
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
