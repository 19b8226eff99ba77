//! Whether two channels hold the same sound.
//!
//! Measured on frames of 32 ms in which somebody speaks, at most some 2,000 of them, spread over the recording:
//!
//! - **Dominance.** On a call with its sides apart, whoever speaks is far louder on their own channel (cross-talk is 25 dB
//!   down or more), and both channels have their turns. Two views of one room differ by a few decibels.
//! - **Likeness.** The largest normalised cross-correlation at lags up to 3 ms (a metre between microphones), as an absolute
//!   value, since a turned phase is still the same sound. Cross-talk alone is alike too, so dominance is asked first.

use crate::audio::{Audio, BLOCK, SignalError};

/// Samples in a frame: 32 ms.
const FRAME: usize = 512;

/// Lags that are tried, in samples: 3 ms to both sides.
const MOST_LAG: usize = 48;

/// Frames that are compared at most.
const MOST_FRAMES: usize = 2_000;

/// A frame counts when its louder channel is at most so much below the loud frames of the recording, in decibels.
const ACTIVE_BELOW_LOUD: f32 = 30.0;

/// So much louder is "dominates", in decibels.
const DOMINANCE: f32 = 12.0;

/// Both channels dominate at least this share of the frames: two sides of a call.
const TURNS: f32 = 0.02;

/// Frames that the side with the least to say dominates at least, where the other has nearly all the word.
const SHORTEST_TURN: f32 = 5.0;

/// Median likeness from which two channels hold the same sound.
const SAME: f32 = 0.7;

/// Likeness in nearly all frames from which they are copies of one signal.
const COPY: f32 = 0.97;

/// How two channels stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// One signal written twice, perhaps louder or with its phase turned.
    Copy,
    /// The same sound from two places.
    SameRoom,
    /// Nothing in common but cross-talk.
    Different,
}

/// What was measured on two channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Frames that were compared.
    pub frames: usize,
    /// Share of frames in which the first channel is far louder.
    pub first_dominates: f32,
    /// Share of frames in which the second channel is far louder.
    pub second_dominates: f32,
    /// Median of the likeness, 0 to 1.
    pub likeness: f32,
    /// Likeness that 90 % of the frames reach.
    pub low_likeness: f32,
    /// Share of frames whose likeness is that of turned phases.
    pub opposite: f32,
}

impl Comparison {
    /// The verdict.
    #[must_use]
    pub fn relation(&self) -> Relation {
        let fewer = self.first_dominates.min(self.second_dominates);
        let more = self.first_dominates.max(self.second_dominates);
        // Where one side does nearly all the talking, a single "yes" of the other is a turn.
        let both_have_turns = fewer >= TURNS || (more >= 0.5 && fewer * self.frames as f32 >= SHORTEST_TURN);
        if self.frames == 0 || both_have_turns || self.likeness < SAME {
            Relation::Different
        } else if self.low_likeness >= COPY {
            Relation::Copy
        } else {
            Relation::SameRoom
        }
    }

    /// Whether adding the two would cancel them.
    #[must_use]
    pub fn is_opposite(&self) -> bool {
        self.likeness >= SAME && self.opposite > 0.5
    }
}

/// Measures two channels against one another.
///
/// # Errors
/// When one of them cannot be read.
pub fn compare(first: &Audio, second: &Audio) -> Result<Comparison, SignalError> {
    let active = active_frames(first, second)?;
    let (mut a, mut b) = (first.cursor(), second.cursor());
    let mut likeness = Vec::with_capacity(active.len());
    let (mut first_dominates, mut second_dominates, mut opposite) = (0, 0, 0);
    for &frame in &active {
        let start = frame * FRAME;
        let frame = a.slice(start..start + FRAME)?;
        let from = start.saturating_sub(MOST_LAG);
        let around = b.slice(from..start + MOST_LAG + FRAME)?;
        let beside = around.get(start - from..).unwrap_or_default();
        let (level_a, level_b) = (level(frame), level(beside.get(..FRAME).unwrap_or(beside)));
        let ratio = 20.0 * ((level_a + 1e-7) / (level_b + 1e-7)).log10();
        first_dominates += usize::from(ratio >= DOMINANCE);
        second_dominates += usize::from(ratio <= -DOMINANCE);
        let best = correlation(frame, around);
        opposite += usize::from(best < 0.0);
        likeness.push(best.abs());
    }
    likeness.sort_unstable_by(f32::total_cmp);
    let count = active.len().max(1) as f32;
    let at = |share: usize| likeness.get(likeness.len() * share / 100).copied().unwrap_or(0.0);
    Ok(Comparison {
        frames: active.len(),
        first_dominates: first_dominates as f32 / count,
        second_dominates: second_dominates as f32 / count,
        likeness: at(50),
        low_likeness: at(10),
        opposite: opposite as f32 / count,
    })
}

/// The level (RMS) of each whole frame.
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

/// The frames in which somebody speaks on either channel, evenly thinned out.
fn active_frames(a: &Audio, b: &Audio) -> Result<Vec<usize>, SignalError> {
    // Each channel is measured by its own loudness first: a quiet caller is not to vanish beside a loud agent.
    let (levels_a, levels_b) = (frame_levels(a)?, frame_levels(b)?);
    let (floor_a, floor_b) = (activity_floor(&levels_a), activity_floor(&levels_b));
    let count = levels_a.len().min(levels_b.len());
    let active: Vec<usize> = (0..count).filter(|&frame| levels_a[frame] > floor_a || levels_b[frame] > floor_b).collect();
    let step = active.len().div_ceil(MOST_FRAMES).max(1);
    Ok(active.into_iter().step_by(step).collect())
}

/// The level from which a frame counts as speech on its channel.
fn activity_floor(levels: &[f32]) -> f32 {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let loud = sorted.get(sorted.len() * 98 / 100).copied().unwrap_or(0.0);
    let below = 10.0_f32.powf(-ACTIVE_BELOW_LOUD / 20.0);
    // The noise between words is not speech, however near to it.
    let noise = sorted.get(sorted.len() / 10).copied().unwrap_or(0.0) * 2.0;
    (loud * below).max(noise.min(loud * 0.3))
}

/// The largest normalised cross-correlation of a frame with what the other channel has around the same place, with its sign.
fn correlation(frame: &[f32], around: &[f32]) -> f32 {
    let energy_a: f32 = frame.iter().map(|sample| sample * sample).sum();
    let mut best = 0.0_f32;
    for other in around.windows(FRAME) {
        let (mut product, mut energy_b) = (0.0_f32, 0.0_f32);
        for (x, y) in frame.iter().zip(other) {
            product += x * y;
            energy_b += y * y;
        }
        let likeness = product / (energy_a * energy_b).sqrt().max(1e-9);
        if likeness.abs() > best.abs() {
            best = likeness;
        }
    }
    best
}
