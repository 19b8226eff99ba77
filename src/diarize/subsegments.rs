//! Divides speech into subsegments that each contain one voice, as far as the segmentation can tell, in frames of the
//! whole recording. Pure.
//!
//! Overlapping windows mostly agree on when the speaker changes, even where they disagree on who speaks or assign two
//! people to one local speaker. So time is divided first, by all windows together, and each subsegment is embedded
//! once. That costs a fraction of embedding every local speaker of every window, and separates two people whom a window
//! takes for one.

use super::segmentation::{SLOTS, STEP, Window};
use crate::audio::SAMPLE_RATE;

/// Seconds per frame, 0.0169.
pub(super) const FRAME_SECONDS: f32 = STEP as f32 / SAMPLE_RATE as f32;
/// Frames by which windows may disagree on the position of one change (0.2 s).
const CHANGE_TOLERANCE: usize = 12;
/// Minimum share of the windows that must agree on a change.
const MIN_CHANGE_SHARE: f32 = 0.45;
/// Maximum pause inside a subsegment without a change, in frames (0.7 s).
const MAX_PAUSE: usize = 41;
/// Maximum length of a subsegment in frames (2 s); longer ones are divided evenly, which limits the effect of a missed
/// change.
const MAX_FRAMES: usize = 118;

/// Frames in which one speaker talks alone, in order, without another speaker in between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Subsegment {
    /// Ranges of frames (first, end), in order.
    pub(super) parts: Vec<(usize, usize)>,
}

impl Subsegment {
    pub(super) fn frames(&self) -> usize {
        self.parts.iter().map(|(start, end)| end - start).sum()
    }

    pub(super) fn seconds(&self) -> f32 {
        self.frames() as f32 * FRAME_SECONDS
    }

    pub(super) fn start(&self) -> usize {
        self.parts.first().map_or(0, |part| part.0)
    }

    pub(super) fn end(&self) -> usize {
        self.parts.last().map_or(0, |part| part.1)
    }
}

/// The combined output of all windows, before speakers are identified.
#[derive(Debug, Clone, Default)]
pub(super) struct AggregatedWindows {
    /// Subsegments in order of time, without overlap.
    pub(super) subsegments: Vec<Subsegment>,
    /// Number of active speakers in each frame.
    pub(super) speaker_count: Vec<u8>,
    /// Number of windows that cover each frame.
    pub(super) window_count: Vec<u16>,
}

/// Combines the windows of a recording of `frames` frames.
pub(super) fn aggregate(windows: &[Window], frames: usize) -> AggregatedWindows {
    let mut window_count = vec![0_u16; frames];
    let mut sums = vec![0_u32; frames];
    let mut changes = vec![0_u16; frames];
    for window in windows {
        let first = window.first_global_frame();
        let inside = window.active.len().min(frames.saturating_sub(first));
        for (at, probability) in (first..).zip(&window.probability[..inside]) {
            window_count[at] = window_count[at].saturating_add(1);
            sums[at] += probability.iter().map(|value| u32::from(*value)).sum::<u32>();
        }
        for at in changes_in(window) {
            let around =
                (first + at).saturating_sub(CHANGE_TOLERANCE).min(frames)..(first + at + CHANGE_TOLERANCE + 1).min(frames);
            changes[around].iter_mut().for_each(|count| *count = count.saturating_add(1));
        }
    }
    // The mean number of speakers, rounded.
    let mean = |(sum, window_count): (&u32, &u16)| {
        (2 * sum + 255 * u32::from(*window_count)) / (2 * 255 * u32::from((*window_count).max(1)))
    };
    let speaker_count: Vec<u8> = sums.iter().zip(&window_count).map(|pair| mean(pair).min(SLOTS as u32) as u8).collect();
    let cuts = cuts(&changes, &window_count);
    let subsegments = join(&runs(&speaker_count, &cuts), &speaker_count, &cuts);
    AggregatedWindows { subsegments: subsegments.into_iter().flat_map(divide).collect(), speaker_count, window_count }
}

/// Changes between successive single speakers of a window: the frames midway between them.
fn changes_in(window: &Window) -> Vec<usize> {
    let alone = |(frame, active): (usize, &u8)| active.is_power_of_two().then_some((frame, *active));
    let single: Vec<(usize, u8)> = window.active.iter().enumerate().filter_map(alone).collect();
    single.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| usize::midpoint(pair[0].0, pair[1].0)).collect()
}

/// Change points of the whole recording: the middle of the frames with the highest agreement.
fn cuts(changes: &[u16], window_count: &[u16]) -> Vec<usize> {
    let share = |frame: usize| f32::from(changes[frame]) / f32::from(window_count[frame].max(1));
    let mut cuts = Vec::new();
    let mut frame = 0;
    while frame < changes.len() {
        if share(frame) < MIN_CHANGE_SHARE {
            frame += 1;
            continue;
        }
        let end = (frame..changes.len()).find(|at| share(*at) < MIN_CHANGE_SHARE).unwrap_or(changes.len());
        let most = (frame..end).map(share).fold(0.0, f32::max);
        let best: Vec<usize> = (frame..end).filter(|at| share(*at) >= most).collect();
        cuts.extend(best.get(best.len() / 2));
        frame = end;
    }
    cuts
}

/// Runs of frames with exactly one speaker, divided at the change points.
fn runs(speaker_count: &[u8], cuts: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut next_cut = cuts.iter().copied().peekable();
    for (frame, count) in speaker_count.iter().enumerate() {
        let cut = next_cut.next_if(|cut| *cut <= frame).is_some();
        if *count != 1 {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if *end == frame && !cut => *end = frame + 1,
            _ => runs.push((frame, frame + 1)),
        }
    }
    runs
}

/// Joins runs with only a short pause between them.
fn join(runs: &[(usize, usize)], speaker_count: &[u8], cuts: &[usize]) -> Vec<Subsegment> {
    let mut subsegments: Vec<Subsegment> = Vec::new();
    for (start, end) in runs.iter().copied() {
        let goes_on = |last: usize| {
            let cut = cuts.get(cuts.partition_point(|cut| *cut < last)).is_some_and(|cut| *cut <= start);
            start > last && start - last <= MAX_PAUSE && !cut && speaker_count[last..start].iter().all(|count| *count == 0)
        };
        match subsegments.last_mut() {
            Some(subsegment) if goes_on(subsegment.end()) => subsegment.parts.push((start, end)),
            _ => subsegments.push(Subsegment { parts: vec![(start, end)] }),
        }
    }
    subsegments
}

/// Divides a subsegment that is too long into equal parts.
fn divide(subsegment: Subsegment) -> Vec<Subsegment> {
    let total = subsegment.frames();
    let count = total.div_ceil(MAX_FRAMES);
    if count <= 1 {
        return vec![subsegment];
    }
    let mut pieces: Vec<Subsegment> = vec![Subsegment::default(); count];
    let mut before = 0;
    for (start, end) in subsegment.parts {
        let mut from = start;
        while from < end {
            let place = before * count / total;
            // First frame of the next part, counted from the start of the subsegment.
            let border = ((place + 1) * total).div_ceil(count);
            let to = end.min(from + border - before);
            pieces[place].parts.push((from, to));
            before += to - from;
            from = to;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{window, windows_of};
    use super::*;

    #[test]
    fn a_change_that_windows_agree_on_ends_a_subsegment_without_a_pause() {
        let windows = [window(0, &[(0, 50, 1), (50, 100, 2)]), window(0, &[(0, 56, 2), (56, 100, 4)])];
        let found: Vec<_> = aggregate(&windows, 110).subsegments.into_iter().map(|subsegment| subsegment.parts).collect();
        // The first frame of a window lies two frames after its start.
        assert_eq!(found, [[(2, 54)], [(54, 102)]]);
    }

    #[test]
    fn a_pause_divides_only_with_a_change_or_another_speaker_in_it() {
        let same = [window(0, &[(0, 30, 1), (50, 100, 1)])];
        assert_eq!(aggregate(&same, 110).subsegments, [Subsegment { parts: vec![(2, 32), (52, 102)] }]);
        for other in [vec![(0, 30, 1), (50, 100, 2)], vec![(0, 30, 1), (35, 38, 6), (50, 100, 1)]] {
            assert_eq!(aggregate(&[window(0, &other)], 110).subsegments.len(), 2, "{other:?}");
        }
        let long = [window(0, &[(0, 30, 1), (80, 100, 1)])];
        assert_eq!(aggregate(&long, 110).subsegments.len(), 2);
    }

    #[test]
    fn overlap_belongs_to_no_subsegment_and_is_counted() {
        let found = aggregate(&[window(0, &[(0, 40, 1), (40, 50, 3), (50, 90, 2)])], 100);
        assert_eq!(found.subsegments.iter().map(|s| (s.start(), s.end())).collect::<Vec<_>>(), [(2, 42), (52, 92)]);
        assert_eq!([found.speaker_count[41], found.speaker_count[45], found.speaker_count[95]], [1, 2, 0]);
    }

    proptest! {
        #[test]
        fn subsegments_are_ordered_short_and_cover_all_single_speaker_frames(windows in windows_of(4, 400)) {
            let found = aggregate(&windows, 900);
            let parts: Vec<_> = found.subsegments.iter().flat_map(|subsegment| subsegment.parts.clone()).collect();
            prop_assert!(parts.iter().all(|(start, end)| start < end));
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            prop_assert!(found.subsegments.iter().all(|subsegment| (1..=MAX_FRAMES).contains(&subsegment.frames())));
            let covered: usize = found.subsegments.iter().map(Subsegment::frames).sum();
            let alone = (0..900).filter(|frame| found.speaker_count[*frame] == 1).count();
            prop_assert_eq!(covered, alone);
        }

        #[test]
        fn names_of_local_speakers_do_not_matter(windows in windows_of(3, 300), turns in prop::collection::vec(0_usize..3, 3)) {
            let renamed: Vec<Window> = windows.iter().zip(turns).map(|(window, turn)| super::super::tests::permuted(window, turn)).collect();
            let (one, other) = (aggregate(&windows, 700), aggregate(&renamed, 700));
            prop_assert_eq!(one.subsegments, other.subsegments);
            prop_assert_eq!(one.speaker_count, other.speaker_count);
        }
    }
}
