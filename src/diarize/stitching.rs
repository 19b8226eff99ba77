//! Combines the windows into one timeline: the number of speakers in each frame, and who they are. Pure.

use super::clustering::SpeakerLabels;
use super::constraints::SubsegmentActivity;
use super::segmentation::{SLOTS, STEP, Window};
use super::subsegments::{AggregatedWindows, Subsegment};
use super::turns::Timeline;

/// The subsegments of one local speaker of a window, with their speakers.
type LocalSpeaker<'a> = Vec<(&'a Subsegment, usize)>;

/// Sums the evidence of all windows and picks, for each frame, the most probable speakers, as many as are active.
///
/// Inside a subsegment its speaker counts, whichever local speaker a window assigns. Overlapped speech has no
/// subsegment; a local speaker is then identified by the nearest subsegment in time that the window assigns to it.
pub(super) fn stitch(
    windows: &[Window],
    activities: &[Vec<SubsegmentActivity>],
    aggregated: &AggregatedWindows,
    speakers: &SpeakerLabels,
) -> Timeline {
    let frames = aggregated.speaker_count.len();
    let mut evidence = vec![0_u16; frames * speakers.count];
    let owners = owners(aggregated, speakers);
    for (window, activities) in windows.iter().zip(activities) {
        let first = window.first_global_frame();
        let local_speakers = local_speakers(activities, aggregated, speakers);
        for (slot, local_speaker) in local_speakers.iter().enumerate() {
            let mut nearest = 0;
            for frame in 0..window.active.len().min(frames.saturating_sub(first)) {
                let at = first + frame;
                while nearest + 1 < local_speaker.len()
                    && distance(local_speaker[nearest + 1].0, at) <= distance(local_speaker[nearest].0, at)
                {
                    nearest += 1;
                }
                let own = owners[at].filter(|_| window.is_alone(frame, slot));
                let Some(speaker) = own.or_else(|| local_speaker.get(nearest).map(|(_, speaker)| *speaker)) else { continue };
                let cell = &mut evidence[at * speakers.count + speaker];
                *cell = cell.saturating_add(u16::from(window.probability[frame][slot]));
            }
        }
    }
    let mut timeline = Timeline::new(frames, speakers.count, STEP);
    let mut order: Vec<usize> = Vec::with_capacity(speakers.count);
    for at in 0..frames {
        let evidence_at = &evidence[at * speakers.count..(at + 1) * speakers.count];
        order.clear();
        order.extend((0..speakers.count).filter(|speaker| evidence_at[*speaker] > 0));
        order.sort_by_key(|speaker| std::cmp::Reverse(evidence_at[*speaker]));
        for speaker in order.iter().take(usize::from(aggregated.speaker_count[at])) {
            let probability = f32::from(evidence_at[*speaker]) / (255.0 * f32::from(aggregated.window_count[at].max(1)));
            timeline.set(at, *speaker, probability);
        }
    }
    timeline
}

/// For each frame, the speaker of the subsegment that contains it.
fn owners(aggregated: &AggregatedWindows, speakers: &SpeakerLabels) -> Vec<Option<usize>> {
    let mut owners = vec![None; aggregated.speaker_count.len()];
    for (subsegment, speaker) in aggregated.subsegments.iter().zip(&speakers.labels) {
        for (start, end) in &subsegment.parts {
            owners[*start..*end].fill(Some(*speaker));
        }
    }
    owners
}

/// The subsegments of each local speaker of a window, in order of time.
fn local_speakers<'a>(
    activities: &[SubsegmentActivity],
    aggregated: &'a AggregatedWindows,
    speakers: &SpeakerLabels,
) -> [LocalSpeaker<'a>; SLOTS] {
    let mut local_speakers: [LocalSpeaker<'a>; SLOTS] = Default::default();
    for activity in activities {
        for (_, local_speaker) in local_speakers.iter_mut().enumerate().filter(|(slot, _)| activity.is_local_speaker(*slot)) {
            local_speaker.push((&aggregated.subsegments[activity.subsegment], speakers.labels[activity.subsegment]));
        }
    }
    local_speakers
}

/// Distance in frames between a subsegment and a frame; 0 inside.
fn distance(subsegment: &Subsegment, frame: usize) -> usize {
    subsegment.start().saturating_sub(frame).max((frame + 1).saturating_sub(subsegment.end()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::constraints::activities;
    use super::super::subsegments::aggregate;
    use super::super::tests::{permuted, window, windows_of};
    use super::*;

    fn stitched(windows: &[Window], frames: usize, speakers: impl Fn(usize) -> usize, count: usize) -> Timeline {
        let aggregated = aggregate(windows, frames);
        let seen: Vec<_> = windows.iter().map(|window| activities(window, &aggregated.subsegments)).collect();
        let speakers = SpeakerLabels { labels: (0..aggregated.subsegments.len()).map(speakers).collect(), count };
        stitch(windows, &seen, &aggregated, &speakers)
    }

    fn speaking(timeline: &Timeline, frame: usize, speakers: usize) -> Vec<usize> {
        (0..speakers).filter(|speaker| timeline.get(frame, *speaker).is_some()).collect()
    }

    #[test]
    fn overlap_is_assigned_to_the_adjacent_speakers() {
        let windows = [window(0, &[(0, 40, 1), (40, 60, 3), (60, 100, 2)]), window(0, &[(0, 40, 4), (40, 60, 5), (60, 100, 1)])];
        let timeline = stitched(&windows, 120, |subsegment| 1 - subsegment, 2);
        assert_eq!([20, 50, 80, 110].map(|frame| speaking(&timeline, frame, 2)), [vec![1], vec![0, 1], vec![0], vec![]]);
    }

    #[test]
    fn successive_speakers_keep_their_own_subsegments() {
        let four = [window(0, &[(0, 50, 1), (50, 100, 2), (100, 150, 4), (150, 200, 1)])];
        let timeline = stitched(&four, 210, |subsegment| subsegment % 3, 3);
        assert_eq!([20, 70, 120, 170].map(|frame| speaking(&timeline, frame, 3)), [vec![0], vec![1], vec![2], vec![0]]);
        let timeline = stitched(&[window(0, &[(0, 50, 1), (50, 70, 6), (70, 90, 4)])], 100, |subsegment| subsegment, 2);
        assert_eq!(speaking(&timeline, 60, 2), [1]);
    }

    #[test]
    fn a_disagreeing_window_is_outvoted() {
        let mut windows = vec![window(0, &[(0, 100, 1)]); 3];
        windows.push(window(0, &[(0, 100, 3)]));
        let timeline = stitched(&windows, 110, |_| 0, 1);
        assert_eq!(timeline.get(50, 0).map(|evidence| (evidence * 100.0).round()), Some(100.0));
    }

    proptest! {
        #[test]
        fn names_of_local_speakers_do_not_matter(windows in windows_of(3, 300), turns in prop::collection::vec(0_usize..3, 3)) {
            let renamed: Vec<Window> = windows.iter().zip(turns).map(|(window, turn)| permuted(window, turn)).collect();
            let (one, other) = (stitched(&windows, 700, |subsegment| subsegment % 3, 3), stitched(&renamed, 700, |subsegment| subsegment % 3, 3));
            for frame in 0..700 {
                prop_assert_eq!(speaking(&one, frame, 3), speaking(&other, frame, 3));
            }
        }
    }
}
