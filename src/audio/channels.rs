//! Decides which signals of a recording to work on.
//!
//! A two-channel file can be a call with each side on its own channel (the best case, since the speakers are known),
//! one microphone written twice, a call with a channel that was never connected, one signal with its phase inverted on
//! one side, or a room recorded in stereo. A wrong decision duplicates every line or merges two speakers. [`plan`]
//! decides from the signals alone, by the measurements of [`Comparison`]; leakage of one side into another is
//! subtracted (`leak`). Runs no models.

mod compare;
mod lag;
mod leak;
mod signal;

pub use self::compare::{Comparison, Relation, compare};
pub use self::signal::Signal;

use super::{Audio, BLOCK, SignalError, levels};
use crate::jobs::options::ChannelMode;

/// Maximum number of separate signals: more do not help to separate speakers, and each needs a full run of the models.
pub const MOST_SIGNALS: usize = 8;

/// A channel whose loudest moments stay below this level is not connected.
const CONNECTED_DBFS: f32 = -60.0;

/// How to treat the channels of a recording.
#[derive(Debug, Clone)]
pub enum ChannelPlan {
    /// One signal that contains all speakers.
    Together(Signal),
    /// At least two independent signals; no speaker is in two of them.
    Apart(Vec<Signal>),
}

impl ChannelPlan {
    /// The signals to work on, at least one.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        match self {
            Self::Together(signal) => std::slice::from_ref(signal),
            Self::Apart(signals) => signals,
        }
    }
}

/// Decides how to treat the channels of a recording. Without channels the result is one empty signal.
///
/// # Errors
/// When a channel cannot be read.
pub fn plan(channels: Vec<Audio>, mode: ChannelMode) -> Result<ChannelPlan, SignalError> {
    let (mut live, mut dead) = (Vec::new(), Vec::new());
    for (channel, audio) in channels.into_iter().enumerate() {
        let side = if is_unconnected(&audio)? { &mut dead } else { &mut live };
        side.push(Signal { channels: vec![channel], audio });
    }
    match live.len() {
        0 => {
            let nothing = || Signal { channels: vec![0], audio: Audio::new(Vec::new()) };
            return Ok(ChannelPlan::Together(dead.into_iter().next().unwrap_or_else(nothing)));
        }
        1 => return Ok(ChannelPlan::Together(live.remove(0))),
        // Free the memory or disk space of unconnected channels now.
        _ => drop(dead),
    }
    Ok(match mode {
        ChannelMode::Mix => ChannelPlan::Together(mix(&live)?),
        ChannelMode::Split => ChannelPlan::Apart(leak::remove_leaks(&live)?),
        ChannelMode::Auto => {
            let mut groups = group_same_sound(live)?;
            if groups.len() > MOST_SIGNALS {
                ChannelPlan::Together(mix(&groups.concat())?)
            } else if groups.len() == 1 {
                ChannelPlan::Together(join_group(groups.remove(0))?)
            } else {
                ChannelPlan::Apart(leak::remove_leaks(&groups.into_iter().map(join_group).collect::<Result<Vec<_>, _>>()?)?)
            }
        }
    })
}

/// True if a channel was never connected: silence, or the hum of an open line.
fn is_unconnected(audio: &Audio) -> Result<bool, SignalError> {
    if audio.levels()?.is_silent() {
        return Ok(true);
    }
    let mut frames: Vec<f32> = compare::frame_levels(audio)?;
    frames.sort_unstable_by(f32::total_cmp);
    // The loudest tenth of a second decides, not a single click: a caller who says only "yes" is connected.
    Ok(frames.iter().rev().nth(3).or(frames.last()).is_none_or(|&level| levels::decibels(level) < CONNECTED_DBFS))
}

/// Groups the channels that contain the same sound.
fn group_same_sound(live: Vec<Signal>) -> Result<Vec<Vec<Signal>>, SignalError> {
    let mut groups: Vec<Vec<Signal>> = Vec::new();
    for signal in live {
        let mut known = None;
        for group in &mut groups {
            if let Some(first) = group.first()
                && compare(&first.audio, &signal.audio)?.relation() != Relation::Different
            {
                known = Some(group);
                break;
            }
        }
        match known {
            Some(group) => group.push(signal),
            None => groups.push(vec![signal]),
        }
    }
    Ok(groups)
}

/// Reduces channels with the same sound to one signal. Copies of one signal are not mixed; the loudest is taken, so
/// that opposite phases cannot cancel. Two recordings of one room are mixed, since each has speakers close to it.
fn join_group(group: Vec<Signal>) -> Result<Signal, SignalError> {
    if let Some((first, rest)) = group.split_first() {
        for other in rest {
            if compare(&first.audio, &other.audio)?.relation() != Relation::Copy {
                return mix(&group);
            }
        }
    }
    let channels = group.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    // The first of equals, so that a signal and its inverted copy give the signal.
    let mut loudest: Option<(f32, Audio)> = None;
    for signal in group {
        let level = signal.audio.levels()?.rms;
        if loudest.as_ref().is_none_or(|(best, _)| level > 1.001 * best) {
            loudest = Some((level, signal.audio));
        }
    }
    Ok(Signal { channels, audio: loudest.map_or_else(|| Audio::new(Vec::new()), |(_, audio)| audio) })
}

/// The sum of signals, at the peak level of the loudest. Signals in opposite phase to the first are inverted, since
/// they would cancel it.
fn mix(signals: &[Signal]) -> Result<Signal, SignalError> {
    let channels = signals.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    let mut parts = Vec::with_capacity(signals.len());
    let mut loudest = 0.0_f32;
    for signal in signals {
        loudest = loudest.max(signal.audio.levels()?.peak);
        let turned = match signals.first() {
            Some(first) => compare(&first.audio, &signal.audio)?.is_opposite(),
            None => false,
        };
        parts.push((signal.audio.clone(), if turned { -1.0 } else { 1.0 }));
    }
    // The sum may exceed full scale, so its peak is measured at a fraction of its level, a power of two, which rounds
    // nothing.
    let fraction = 1.0 / parts.len().next_power_of_two() as f32;
    let mut peak = 0.0_f32;
    let quiet = Audio::mixed(parts.clone(), fraction);
    for block in quiet.blocks(0..quiet.len(), BLOCK) {
        peak = block?.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
    }
    let peak = peak / fraction;
    let gain = if peak > loudest && peak > 0.0 { loudest / peak } else { 1.0 };
    Ok(Signal { channels, audio: Audio::mixed(parts, gain) })
}

#[cfg(test)]
mod tests;
