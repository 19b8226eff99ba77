//! Whether two channels hold the same sound.
//!
//! First it is found out how much later one has what the other has, if at all (`lag`): a copy that went through a network comes up to
//! 300 ms late. Then they are measured on frames of 32 ms in which somebody speaks, at most some 2,000 of them, spread over the
//! recording:
//!
//! - **Dominance.** On a call with its sides apart, whoever speaks is far louder on their own channel, by 12 dB or more, and both
//!   channels have their turns. Two views of one room differ by a few decibels. Sides that leak more than that into one another
//!   are told by how steady it is: the same sound on both, by the same few decibels whenever that side speaks, which no room gives.
//! - **Likeness.** The largest normalised cross-correlation at lags up to 3 ms (a metre between microphones), as an absolute
//!   value, since a turned phase is still the same sound. Cross-talk alone is alike too, so dominance is asked first.

use super::lag::{LONGEST, Search};
use crate::audio::{Audio, BLOCK, SignalError};

/// Samples in a frame: 32 ms.
pub(super) const FRAME: usize = 512;

/// Lags that are tried, in samples: 3 ms to both sides.
const MOST_LAG: usize = 48;

/// Frames that are compared at most.
const MOST_FRAMES: usize = 2_000;

/// A frame counts when its louder channel is at most so much below the loud frames of the recording, in decibels.
const ACTIVE_BELOW_LOUD: f32 = 30.0;

/// So much louder is "dominates", in decibels.
const DOMINANCE: f32 = 12.0;

/// So much louder is enough where it is steady, in decibels: with leaks of -6 dB both ways it is 6.
const STEADILY_LOUDER: f32 = 4.5;

/// Steady is: likeness of a frame, share of the frames, and the range of the middle half of them, in decibels.
const STEADY_LIKENESS: f32 = 0.95;
const STEADY_SHARE: f32 = 0.05;
const STEADY_RANGE: f32 = 1.5;

/// How alike pieces must be on the average to believe that one channel is late; two voices stay under 0.1.
const LATE: f32 = 0.5;

/// Pieces of half a second that are looked for to find that out.
const PIECES: usize = 24;

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
    /// How much later the second channel has what the first has, in samples; zero where that is not more than between two
    /// microphones, or where they have nothing in common.
    pub late: isize,
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
        } else if self.low_likeness >= COPY || self.late != 0 {
            // What is late is never mixed with what it repeats.
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
    let late = lateness(first, second, &active_frames(first, second, 0)?)?;
    let active = active_frames(first, second, late)?;
    let (mut a, mut b) = (first.cursor(), second.cursor());
    let mut measured = Vec::with_capacity(active.len());
    for &frame in &active {
        let start = frame * FRAME;
        let Some(there) = start.checked_add_signed(late) else { continue };
        let frame = a.slice(start..start + FRAME)?;
        let from = there.saturating_sub(MOST_LAG);
        let around = b.slice(from..there + MOST_LAG + FRAME)?;
        let beside = around.get(there - from..).unwrap_or_default();
        let (level_a, level_b) = (level(frame), level(beside.get(..FRAME).unwrap_or(beside)));
        let louder = 20.0 * ((level_a + 1e-7) / (level_b + 1e-7)).log10();
        measured.push((louder, correlation(frame, around)));
    }
    let count = measured.len().max(1) as f32;
    let mut likeness: Vec<f32> = measured.iter().map(|(_, likeness)| likeness.abs()).collect();
    likeness.sort_unstable_by(f32::total_cmp);
    let at = |share: usize| likeness.get(likeness.len() * share / 100).copied().unwrap_or(0.0);
    Ok(Comparison {
        frames: measured.len(),
        first_dominates: dominated(&measured, 1.0) / count,
        second_dominates: dominated(&measured, -1.0) / count,
        likeness: at(50),
        low_likeness: at(10),
        opposite: measured.iter().filter(|(_, likeness)| *likeness < 0.0).count() as f32 / count,
        late,
    })
}

/// In how many frames one channel is the louder one, by far or steadily; the first with the sign 1, the second with -1.
fn dominated(measured: &[(f32, f32)], sign: f32) -> f32 {
    let far = measured.iter().filter(|(louder, _)| sign * louder >= DOMINANCE).count();
    let mut steady: Vec<f32> = measured
        .iter()
        .filter(|(louder, likeness)| sign * louder >= STEADILY_LOUDER && likeness.abs() >= STEADY_LIKENESS)
        .map(|(louder, _)| sign * louder)
        .collect();
    steady.sort_unstable_by(f32::total_cmp);
    let at = |quarter: usize| steady.get(steady.len() * quarter / 4).copied().unwrap_or(0.0);
    let is_steady = steady.len() as f32 >= STEADY_SHARE * measured.len() as f32 && at(3) - at(1) <= STEADY_RANGE;
    (if is_steady { far.max(steady.len()) } else { far }) as f32
}

/// How much later the second channel has what the first has, where that is more than between two microphones.
fn lateness(first: &Audio, second: &Audio, active: &[usize]) -> Result<isize, SignalError> {
    let mut search = Search::new(-LONGEST..=LONGEST);
    for &frame in active.iter().step_by(active.len().div_ceil(PIECES).max(1)) {
        search.add(first, second, frame * FRAME)?;
    }
    let found = search.best().filter(|(lag, likeness)| lag.unsigned_abs() > MOST_LAG && likeness.abs() >= LATE);
    Ok(found.map_or(0, |(lag, _)| lag))
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

/// The frames in which somebody speaks on either channel, of which the second is so late, evenly thinned out.
fn active_frames(a: &Audio, b: &Audio, late: isize) -> Result<Vec<usize>, SignalError> {
    // Each channel is measured by its own loudness first: a quiet caller is not to vanish beside a loud agent.
    let (levels_a, levels_b) = (frame_levels(a)?, frame_levels(b)?);
    let (floor_a, floor_b) = (activity_floor(&levels_a), activity_floor(&levels_b));
    let shift = late.div_euclid(FRAME.cast_signed());
    let speaks = |&frame: &usize| {
        // The last frame must be there whole on the late channel too.
        let beside = frame.checked_add_signed(shift).filter(|beside| beside + 1 < levels_b.len() || shift == 0);
        let beside = beside.and_then(|beside| levels_b.get(beside));
        beside.is_some_and(|&beside| levels_a[frame] > floor_a || beside > floor_b)
    };
    let active: Vec<usize> = (0..levels_a.len()).filter(speaks).collect();
    let step = active.len().div_ceil(MOST_FRAMES).max(1);
    Ok(active.into_iter().step_by(step).collect())
}

/// The level from which a frame counts as speech on its channel.
pub(super) fn activity_floor(levels: &[f32]) -> f32 {
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
