//! Determines whether two channels contain the same sound.
//!
//! First the lag between them is estimated ([`super::lag`]), since a copy that went through a network is up to 300 ms
//! late. Then two properties are measured on frames of 32 ms with speech, at most 2,000 spread over the recording:
//!
//! * **Dominance.** If each side of a call has its own channel, a speaker is at least 12 dB louder there, and both
//!   channels have turns. Two recordings of one room differ by a few decibels. Sides with stronger leakage are
//!   recognised by its constancy: the same sound on both channels, with the same difference in level whenever that side
//!   talks, which no room produces.
//! * **Correlation.** The largest absolute normalized cross-correlation at lags up to 3 ms (a metre between
//!   microphones); absolute, because inverted phase is still the same sound. Crosstalk alone correlates too, so
//!   dominance is checked first.

use super::lag::{LagSearch, MAX_LAG};
use crate::audio::{Audio, BLOCK, SignalError};

/// Samples per frame (32 ms).
pub(super) const FRAME: usize = 512;

/// Maximum lag between microphones of one room, in samples: 3 ms to both sides.
const MAX_MICROPHONE_LAG: usize = 48;

/// Maximum number of compared frames.
const MAX_FRAMES: usize = 2_000;

/// Range of active frames below the loud frames of the channel, in dB.
const ACTIVE_RANGE_DB: f32 = 30.0;

/// Level difference of a dominant channel, in dB.
const DOMINANCE_DB: f32 = 12.0;

/// Level difference of a steadily dominant channel, in dB; leaks of -6 dB in both directions give 6.
const STEADY_DOMINANCE_DB: f32 = 4.5;

/// Criteria for steady dominance: minimum correlation of a frame, minimum share of such frames, and maximum
/// interquartile range of their level difference in dB.
const STEADY_CORRELATION: f32 = 0.95;
const STEADY_SHARE: f32 = 0.05;
const STEADY_RANGE_DB: f32 = 1.5;

/// Minimum mean correlation at a lag for a channel to count as late; two independent voices stay below 0.1.
const MIN_LAG_CORRELATION: f32 = 0.5;

/// Number of half-second pieces used to estimate the lag.
const PIECES: usize = 24;

/// Minimum share of frames dominated by each channel for two sides of a call.
const MIN_TURN_SHARE: f32 = 0.02;

/// Minimum frames dominated by the quieter side where the other one does nearly all the talking.
const MIN_TURN_FRAMES: f32 = 5.0;

/// Minimum median correlation of channels with the same sound.
const SAME_SOUND: f32 = 0.7;

/// Minimum correlation, in nine of ten frames, of copies of one signal.
const COPY: f32 = 0.97;

/// The relation between two channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// One signal written twice, possibly scaled, delayed or with inverted phase.
    Copy,
    /// The same sound recorded in two places.
    SameRoom,
    /// Independent signals, possibly with crosstalk.
    Different,
}

/// Measurements on two channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Number of compared frames.
    pub frames: usize,
    /// Share of frames in which the first channel dominates, 0 to 1.
    pub first_dominates: f32,
    /// Share of frames in which the second channel dominates, 0 to 1.
    pub second_dominates: f32,
    /// Median absolute correlation, 0 to 1.
    pub correlation: f32,
    /// Correlation reached by 90 % of the frames.
    pub low_correlation: f32,
    /// Share of frames with negative correlation (inverted phase).
    pub opposite: f32,
    /// Lag of the second channel behind the first, in samples; 0 if it is not larger than between two microphones, or
    /// if the channels are independent.
    pub lag: isize,
}

impl Comparison {
    /// The relation that follows from the measurements.
    #[must_use]
    pub fn relation(&self) -> Relation {
        let fewer = self.first_dominates.min(self.second_dominates);
        let more = self.first_dominates.max(self.second_dominates);
        // If one side does nearly all the talking, a single "yes" of the other is a turn.
        let both_have_turns = fewer >= MIN_TURN_SHARE || (more >= 0.5 && fewer * self.frames as f32 >= MIN_TURN_FRAMES);
        if self.frames == 0 || both_have_turns || self.correlation < SAME_SOUND {
            Relation::Different
        } else if self.low_correlation >= COPY || self.lag != 0 {
            // Late copies are never mixed with the original, which would be an echo.
            Relation::Copy
        } else {
            Relation::SameRoom
        }
    }

    /// True if the sum of the two would cancel.
    #[must_use]
    pub fn is_opposite(&self) -> bool {
        self.correlation >= SAME_SOUND && self.opposite > 0.5
    }
}

/// Measures two channels against each other.
///
/// # Errors
/// When either channel cannot be read.
pub fn compare(first: &Audio, second: &Audio) -> Result<Comparison, SignalError> {
    let lag = find_lag(first, second, &active_frames(first, second, 0)?)?;
    let active = active_frames(first, second, lag)?;
    let (mut a, mut b) = (first.cursor(), second.cursor());
    let mut measured = Vec::with_capacity(active.len());
    for &frame in &active {
        let start = frame * FRAME;
        let Some(there) = start.checked_add_signed(lag) else { continue };
        let frame = a.slice(start..start + FRAME)?;
        let from = there.saturating_sub(MAX_MICROPHONE_LAG);
        let around = b.slice(from..there + MAX_MICROPHONE_LAG + FRAME)?;
        let other = around.get(there - from..).unwrap_or_default();
        let (level_a, level_b) = (level(frame), level(other.get(..FRAME).unwrap_or(other)));
        let louder = 20.0 * ((level_a + 1e-7) / (level_b + 1e-7)).log10();
        measured.push((louder, peak_correlation(frame, around)));
    }
    let count = measured.len().max(1) as f32;
    let mut correlation: Vec<f32> = measured.iter().map(|(_, correlation)| correlation.abs()).collect();
    correlation.sort_unstable_by(f32::total_cmp);
    let at = |share: usize| correlation.get(correlation.len() * share / 100).copied().unwrap_or(0.0);
    Ok(Comparison {
        frames: measured.len(),
        first_dominates: dominated(&measured, 1.0) / count,
        second_dominates: dominated(&measured, -1.0) / count,
        correlation: at(50),
        low_correlation: at(10),
        opposite: measured.iter().filter(|(_, correlation)| *correlation < 0.0).count() as f32 / count,
        lag,
    })
}

/// Number of frames in which one channel is louder, by far or steadily. `sign` is 1 for the first channel, -1 for the
/// second.
fn dominated(measured: &[(f32, f32)], sign: f32) -> f32 {
    let far = measured.iter().filter(|(louder, _)| sign * louder >= DOMINANCE_DB).count();
    let mut steady: Vec<f32> = measured
        .iter()
        .filter(|(louder, correlation)| sign * louder >= STEADY_DOMINANCE_DB && correlation.abs() >= STEADY_CORRELATION)
        .map(|(louder, _)| sign * louder)
        .collect();
    steady.sort_unstable_by(f32::total_cmp);
    let at = |quarter: usize| steady.get(steady.len() * quarter / 4).copied().unwrap_or(0.0);
    let is_steady = steady.len() as f32 >= STEADY_SHARE * measured.len() as f32 && at(3) - at(1) <= STEADY_RANGE_DB;
    (if is_steady { far.max(steady.len()) } else { far }) as f32
}

/// Lag of the second channel, if it is larger than between two microphones; else 0.
fn find_lag(first: &Audio, second: &Audio, active: &[usize]) -> Result<isize, SignalError> {
    let mut search = LagSearch::new(-MAX_LAG..=MAX_LAG);
    for &frame in active.iter().step_by(active.len().div_ceil(PIECES).max(1)) {
        search.add(first, second, frame * FRAME)?;
    }
    let found = search
        .best()
        .filter(|(lag, correlation)| lag.unsigned_abs() > MAX_MICROPHONE_LAG && correlation.abs() >= MIN_LAG_CORRELATION);
    Ok(found.map_or(0, |(lag, _)| lag))
}

/// RMS level of each complete frame.
pub(super) fn frame_levels(audio: &Audio) -> Result<Vec<f32>, SignalError> {
    let mut levels = Vec::with_capacity(audio.len() / FRAME);
    for block in audio.blocks(0..audio.len(), BLOCK.next_multiple_of(FRAME)) {
        levels.extend(block?.chunks_exact(FRAME).map(level));
    }
    Ok(levels)
}

fn level(frame: &[f32]) -> f32 {
    (frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32).sqrt()
}

/// Frames with speech on either channel, with the second shifted by `lag`; evenly thinned to [`MAX_FRAMES`].
fn active_frames(a: &Audio, b: &Audio, lag: isize) -> Result<Vec<usize>, SignalError> {
    // Each channel has its own activity threshold, so that a quiet caller does not vanish beside a loud agent.
    let (levels_a, levels_b) = (frame_levels(a)?, frame_levels(b)?);
    let (floor_a, floor_b) = (activity_floor(&levels_a), activity_floor(&levels_b));
    let shift = lag.div_euclid(FRAME.cast_signed());
    let speaks = |&frame: &usize| {
        // The last frame must be complete on the late channel too.
        let other = frame.checked_add_signed(shift).filter(|other| other + 1 < levels_b.len() || shift == 0);
        let other = other.and_then(|other| levels_b.get(other));
        other.is_some_and(|&other| levels_a[frame] > floor_a || other > floor_b)
    };
    let active: Vec<usize> = (0..levels_a.len()).filter(speaks).collect();
    let step = active.len().div_ceil(MAX_FRAMES).max(1);
    Ok(active.into_iter().step_by(step).collect())
}

/// RMS level above which a frame counts as speech on its channel.
pub(super) fn activity_floor(levels: &[f32]) -> f32 {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let loud = sorted.get(sorted.len() * 98 / 100).copied().unwrap_or(0.0);
    let below = 10.0_f32.powf(-ACTIVE_RANGE_DB / 20.0);
    // Noise between words is not speech, even if its level is close.
    let noise = sorted.get(sorted.len() / 10).copied().unwrap_or(0.0) * 2.0;
    (loud * below).max(noise.min(loud * 0.3))
}

/// The correlation of largest magnitude between a frame and the other channel's samples around the same time, with its
/// sign.
fn peak_correlation(frame: &[f32], around: &[f32]) -> f32 {
    let energy_a: f32 = frame.iter().map(|sample| sample * sample).sum();
    let mut best = 0.0_f32;
    for other in around.windows(FRAME) {
        let (mut product, mut energy_b) = (0.0_f32, 0.0_f32);
        for (x, y) in frame.iter().zip(other) {
            product += x * y;
            energy_b += y * y;
        }
        let correlation = product / (energy_a * energy_b).sqrt().max(1e-9);
        if correlation.abs() > best.abs() {
            best = correlation;
        }
    }
    best
}
