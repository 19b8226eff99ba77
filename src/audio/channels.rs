//! Which signals of a recording to work on.
//!
//! A file of two channels is one of many things: a call with each side on its own channel (the best case: who speaks is
//! known), one microphone written twice, a channel that was never connected, one signal with its phase turned on one side,
//! or a room recorded in stereo. Taken wrongly, every line comes twice, or two speakers become one. [`plan`] decides from
//! the signals alone, by what [`Comparison`] measures. Pure functions, no models.

mod compare;

pub use self::compare::{Comparison, Relation, compare};

use super::levels::measure;
use super::{Audio, levels};
use crate::jobs::options::ChannelMode;

/// With more different channels than this, telling them apart helps nobody, and each costs a full run of the models.
pub const MOST_SIGNALS: usize = 8;

/// A channel whose loudest moments stay below this is not connected.
const DEAD_DBFS: f32 = -60.0;

/// A signal to work on, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
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
#[must_use]
pub fn plan(channels: Vec<Audio>, mode: ChannelMode) -> ChannelPlan {
    // The samples are moved, not copied: hours of several channels are gigabytes.
    let (mut live, dead): (Vec<Signal>, Vec<Signal>) = channels
        .into_iter()
        .enumerate()
        .map(|(channel, audio)| Signal { channels: vec![channel], audio })
        .partition(|signal| !is_dead(&signal.audio));
    match live.len() {
        0 => {
            let nothing = || Signal { channels: vec![0], audio: Audio::new(Vec::new()) };
            return ChannelPlan::Together(dead.into_iter().next().unwrap_or_else(nothing));
        }
        1 => return ChannelPlan::Together(live.remove(0)),
        _ => drop(dead),
    }
    match mode {
        ChannelMode::Mix => ChannelPlan::Together(mix(&live)),
        ChannelMode::Split => ChannelPlan::Apart(live),
        ChannelMode::Auto => {
            let mut groups = group(live);
            if groups.len() > MOST_SIGNALS {
                return ChannelPlan::Together(mix(&groups.concat()));
            }
            if groups.len() == 1 {
                return ChannelPlan::Together(join(groups.remove(0)));
            }
            ChannelPlan::Apart(groups.into_iter().map(join).collect())
        }
    }
}

/// Whether a channel was never connected: silence, or the hum of an open line.
fn is_dead(audio: &Audio) -> bool {
    if measure(audio).is_silent() {
        return true;
    }
    let mut frames: Vec<f32> = compare::frame_levels(audio.samples());
    frames.sort_unstable_by(f32::total_cmp);
    // The loudest tenth of a second decides, and not one click: a caller who says only "yes" is connected.
    frames.iter().rev().nth(3).or(frames.last()).is_none_or(|&level| levels::decibels(level) < DEAD_DBFS)
}

/// Puts together the channels that hold the same sound.
fn group(live: Vec<Signal>) -> Vec<Vec<Signal>> {
    let mut groups: Vec<Vec<Signal>> = Vec::new();
    for signal in live {
        let known = groups.iter().position(|group| {
            group.first().is_some_and(|first| compare(&first.audio, &signal.audio).relation() != Relation::Different)
        });
        match known.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(signal),
            None => groups.push(vec![signal]),
        }
    }
    groups
}

/// One signal of channels that hold the same sound. Copies of one signal need no mixing: the loudest is taken, so that
/// opposite phases cannot cancel and nothing is smeared. Two views of one room are mixed, since each has its near speakers.
fn join(group: Vec<Signal>) -> Signal {
    let copies = match group.split_first() {
        Some((first, rest)) => rest.iter().all(|other| compare(&first.audio, &other.audio).relation() == Relation::Copy),
        None => true,
    };
    if !copies {
        return mix(&group);
    }
    let channels = group.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    // The first of equals, so that a signal and its mirror image give the signal.
    let loudest = group
        .into_iter()
        .map(|signal| signal.audio)
        .reduce(|best, next| if measure(&next).rms > 1.001 * measure(&best).rms { next } else { best });
    Signal { channels, audio: loudest.unwrap_or_else(|| Audio::new(Vec::new())) }
}

/// The sum of signals, as loud as the loudest of them; one in opposite phase to the first is turned, since both would
/// cancel.
fn mix(signals: &[Signal]) -> Signal {
    let channels = signals.iter().flat_map(|signal| signal.channels.iter().copied()).collect();
    let loudest = signals.iter().map(|signal| measure(&signal.audio).peak).fold(0.0, f32::max);
    let length = signals.iter().map(|signal| signal.audio.samples().len()).max().unwrap_or(0);
    let mut sum = vec![0.0_f32; length];
    for signal in signals {
        let turned = signals.first().is_some_and(|first| compare(&first.audio, &signal.audio).is_opposite());
        let sign = if turned { -1.0 } else { 1.0 };
        sum.iter_mut().zip(signal.audio.samples()).for_each(|(sum, &sample)| *sum += sign * sample);
    }
    let peak = sum.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak > loudest && peak > 0.0 {
        for sample in &mut sum {
            *sample *= loudest / peak;
        }
    }
    Signal { channels, audio: Audio::new(sum) }
}

#[cfg(test)]
mod tests;
