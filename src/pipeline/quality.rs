//! Warnings about silent and clipped recordings, from the levels measured on the channels of the file. Pure.

use crate::audio::channels::ChannelPlan;
use crate::audio::levels::Levels;

/// A warning for each signal that is silent or clipped; names the channel when channels are processed separately.
pub(super) fn warnings(plan: &ChannelPlan, levels: &[Levels]) -> Vec<String> {
    let mut warnings = Vec::new();
    for signal in plan.signals() {
        let place = match (plan, signal.channels.first()) {
            (ChannelPlan::Apart(_), Some(channel)) => format!(" on channel {channel}"),
            (ChannelPlan::Apart(_) | ChannelPlan::Together(_), _) => String::new(),
        };
        let of_signal: Vec<&Levels> = signal.channels.iter().filter_map(|channel| levels.get(*channel)).collect();
        let clipped = of_signal.iter().filter(|levels| levels.is_clipped()).map(|levels| levels.clipped);
        if of_signal.iter().all(|levels| levels.is_silent()) {
            warnings.push(format!("the recording is silent{place}"));
        } else if let Some(most) = clipped.reduce(f32::max) {
            let share = most * 100.0;
            warnings.push(format!("the recording is clipped{place}: {share:.1} % of its samples are at full scale"));
        }
    }
    warnings
}
