//! Which signals of a recording to work on.
//!
//! A file of two channels is one of many things: a call with each side on its own channel (the best case: who speaks is
//! known), one microphone written twice, a channel that was never connected, one signal with its phase turned on one side,
//! or a room recorded in stereo. Taken wrongly, every line comes twice, or two speakers become one. [`plan`] decides from
//! the signals alone, by what [`Comparison`] measures. What one side leaks into another is taken out of it (`leak`). No models.

mod compare;
mod lag;
mod leak;

pub use self::compare::{Comparison, Relation, compare};

use super::levels::measure;
use super::{Audio, BLOCK, SignalError, levels};
use crate::jobs::options::ChannelMode;

/// With more different channels than this, telling them apart helps nobody, and each costs a full run of the models.
pub const MOST_SIGNALS: usize = 8;

/// A channel whose loudest moments stay below this is not connected.
const DEAD_DBFS: f32 = -60.0;

/// A signal to work on, and where it comes from.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The channels of the file that it stands for, counted from 0; never empty.
    pub channels: Vec<usize>,
    /// The samples.
    pub audio: Audio,
}

impl Signal {
    /// The channel, when it stands for one alone.
    #[must_use]
    pub fn channel(&self) -> Option<usize> {
        match self.channels.as_slice() {
            [channel] => Some(*channel),
            _ => None,
        }
    }
}

/// How to treat the channels of a recording.
#[derive(Debug, Clone)]
pub enum ChannelPlan {
    /// One signal; all speakers are in it.
    Together(Signal),
    /// Signals that have nothing to do with one another: no speaker is in two of them. At least two.
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

/// Decides how to treat the channels of a recording. No channels at all give one empty signal.
///
/// # Errors
/// When one of them cannot be read.
pub fn plan(channels: Vec<Audio>, mode: ChannelMode) -> Result<ChannelPlan, SignalError> {
    let (mut live, mut dead) = (Vec::new(), Vec::new());
    for (channel, audio) in channels.into_iter().enumerate() {
        let side = if is_dead(&audio)? { &mut dead } else { &mut live };
        side.push(Signal { channels: vec![channel], audio });
    }
    match live.len() {
        0 => {
            let nothing = || Signal { channels: vec![0], audio: Audio::new(Vec::new()) };
            return Ok(ChannelPlan::Together(dead.into_iter().next().unwrap_or_else(nothing)));
        }
        1 => return Ok(ChannelPlan::Together(live.remove(0))),
        // What is not worked on need not lie in memory or on the disk any more.
        _ => drop(dead),
    }
    Ok(match mode {
        ChannelMode::Mix => ChannelPlan::Together(mix(&live)?),
        ChannelMode::Split => ChannelPlan::Apart(leak::take_out(&live)?),
        ChannelMode::Auto => {
            let mut groups = group(live)?;
            if groups.len() > MOST_SIGNALS {
                ChannelPlan::Together(mix(&groups.concat())?)
            } else if groups.len() == 1 {
                ChannelPlan::Together(join(groups.remove(0))?)
            } else {
                ChannelPlan::Apart(leak::take_out(&groups.into_iter().map(join).collect::<Result<Vec<_>, _>>()?)?)
            }
        }
    })
}

/// Whether a channel was never connected: silence, or the hum of an open line.
fn is_dead(audio: &Audio) -> Result<bool, SignalError> {
    if measure(audio)?.is_silent() {
        return Ok(true);
    }
    let mut frames: Vec<f32> = compare::frame_levels(audio)?;
    frames.sort_unstable_by(f32::total_cmp);
    // The loudest tenth of a second decides, and not one click: a caller who says only "yes" is connected.
    Ok(frames.iter().rev().nth(3).or(frames.last()).is_none_or(|&level| levels::decibels(level) < DEAD_DBFS))
}

/// Puts together the channels that hold the same sound.
fn group(live: Vec<Signal>) -> Result<Vec<Vec<Signal>>, SignalError> {
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

/// One signal of channels that hold the same sound. Copies of one signal need no mixing: the loudest is taken, so that
/// opposite phases cannot cancel and nothing is smeared. Two views of one room are mixed, since each has its near speakers.
fn join(group: Vec<Signal>) -> Result<Signal, SignalError> {
    if let Some((first, rest)) = group.split_first() {
        for other in rest {
            if compare(&first.audio, &other.audio)?.relation() != Relation::Copy {
                return mix(&group);
            }
        }
    }
    let channels = group.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    // The first of equals, so that a signal and its mirror image give the signal.
    let mut loudest: Option<(f32, Audio)> = None;
    for signal in group {
        let level = measure(&signal.audio)?.rms;
        if loudest.as_ref().is_none_or(|(best, _)| level > 1.001 * best) {
            loudest = Some((level, signal.audio));
        }
    }
    Ok(Signal { channels, audio: loudest.map_or_else(|| Audio::new(Vec::new()), |(_, audio)| audio) })
}

/// The sum of signals, as loud as the loudest of them; one in opposite phase to the first is turned, since both would
/// cancel.
fn mix(signals: &[Signal]) -> Result<Signal, SignalError> {
    let channels = signals.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    let mut parts = Vec::with_capacity(signals.len());
    let mut loudest = 0.0_f32;
    for signal in signals {
        loudest = loudest.max(measure(&signal.audio)?.peak);
        let turned = match signals.first() {
            Some(first) => compare(&first.audio, &signal.audio)?.is_opposite(),
            None => false,
        };
        parts.push((signal.audio.clone(), if turned { -1.0 } else { 1.0 }));
    }
    // The peak of the sum, which may lie beyond full scale: so it is measured at a fraction of its level, a power of two, by
    // which nothing is rounded.
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
