//! Stretches of speech that are one voice's as far as the segmentation can tell, in the frames of the whole recording. Pure.
//!
//! The windows overlap and mostly agree about where one person ends and another begins, even where they disagree about whose
//! voice it is, or give two people one place. So time is cut first, by all windows together, and voices are compared afterwards,
//! each stretch once: it costs a fraction of comparing every local speaker of every window, and two people whom a window takes
//! for one are still told apart.

use super::segmentation::{SLOTS, STEP, Window};
use crate::audio::SAMPLE_RATE;

/// Seconds from one frame to the next.
pub(super) const FRAME_SECONDS: f32 = STEP as f32 / SAMPLE_RATE as f32;
/// Windows place one and the same change up to 0.2 s apart.
const SMEAR: usize = 12;
/// This share of the windows has to see a change of speaker.
const CHANGE_SHARE: f32 = 0.45;
/// Over silence up to 0.7 s a voice goes on, unless it changes there.
const LONGEST_PAUSE: usize = 41;
/// Longer stretches are divided evenly, in frames (2 s): what the windows missed then spoils only a part.
const LONGEST: usize = 118;

/// Frames in which one person speaks alone, in order, with no one else in between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Stretch {
    /// From frame to frame, in order.
    pub(super) parts: Vec<(usize, usize)>,
}

impl Stretch {
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

/// What all windows together say of the recording without knowing anyone's voice.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    /// In order of time, without overlap.
    pub(super) stretches: Vec<Stretch>,
    /// How many people speak in each frame.
    pub(super) speaking: Vec<u8>,
    /// How many windows see each frame.
    pub(super) seen: Vec<u16>,
}

/// Cuts a recording of so many frames into stretches.
pub(super) fn outline(windows: &[Window], frames: usize) -> Outline {
    let mut seen = vec![0_u16; frames];
    let mut sums = vec![0_u32; frames];
    let mut changes = vec![0_u16; frames];
    for window in windows {
        let first = window.first_global_frame();
        let inside = window.active.len().min(frames.saturating_sub(first));
        for (at, probability) in (first..).zip(&window.probability[..inside]) {
            seen[at] = seen[at].saturating_add(1);
            sums[at] += probability.iter().map(|value| u32::from(*value)).sum::<u32>();
        }
        for at in changes_in(window) {
            let around = (first + at).saturating_sub(SMEAR).min(frames)..(first + at + SMEAR + 1).min(frames);
            changes[around].iter_mut().for_each(|count| *count = count.saturating_add(1));
        }
    }
    // The mean number of speakers, rounded.
    let mean = |(sum, seen): (&u32, &u16)| (2 * sum + 255 * u32::from(*seen)) / (2 * 255 * u32::from((*seen).max(1)));
    let speaking: Vec<u8> = sums.iter().zip(&seen).map(|pair| mean(pair).min(SLOTS as u32) as u8).collect();
    let cuts = cuts(&changes, &seen);
    let stretches = join(&runs(&speaking, &cuts), &speaking, &cuts);
    Outline { stretches: stretches.into_iter().flat_map(divide).collect(), speaking, seen }
}

/// The frames in the middle between two local speakers of one window who follow each other.
fn changes_in(window: &Window) -> Vec<usize> {
    let alone = |(frame, active): (usize, &u8)| active.is_power_of_two().then_some((frame, *active));
    let heard: Vec<(usize, u8)> = window.active.iter().enumerate().filter_map(alone).collect();
    heard.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| usize::midpoint(pair[0].0, pair[1].0)).collect()
}

/// The frames before which the speaker changes: in the middle of where most windows agree.
fn cuts(changes: &[u16], seen: &[u16]) -> Vec<usize> {
    let share = |frame: usize| f32::from(changes[frame]) / f32::from(seen[frame].max(1));
    let mut cuts = Vec::new();
    let mut frame = 0;
    while frame < changes.len() {
        if share(frame) < CHANGE_SHARE {
            frame += 1;
            continue;
        }
        let end = (frame..changes.len()).find(|at| share(*at) < CHANGE_SHARE).unwrap_or(changes.len());
        let most = (frame..end).map(share).fold(0.0, f32::max);
        let best: Vec<usize> = (frame..end).filter(|at| share(*at) >= most).collect();
        cuts.extend(best.get(best.len() / 2));
        frame = end;
    }
    cuts
}

/// Where exactly one person speaks, divided at the cuts.
fn runs(speaking: &[u8], cuts: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut next_cut = cuts.iter().copied().peekable();
    for (frame, count) in speaking.iter().enumerate() {
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

/// Joins runs that only a pause lies between.
fn join(runs: &[(usize, usize)], speaking: &[u8], cuts: &[usize]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (start, end) in runs.iter().copied() {
        let goes_on = |last: usize| {
            let cut = cuts.get(cuts.partition_point(|cut| *cut < last)).is_some_and(|cut| *cut <= start);
            start > last && start - last <= LONGEST_PAUSE && !cut && speaking[last..start].iter().all(|count| *count == 0)
        };
        match stretches.last_mut() {
            Some(stretch) if goes_on(stretch.end()) => stretch.parts.push((start, end)),
            _ => stretches.push(Stretch { parts: vec![(start, end)] }),
        }
    }
    stretches
}

/// Divides a stretch that is too long into equal ones.
fn divide(stretch: Stretch) -> Vec<Stretch> {
    let total = stretch.frames();
    let count = total.div_ceil(LONGEST);
    if count <= 1 {
        return vec![stretch];
    }
    let mut pieces: Vec<Stretch> = vec![Stretch::default(); count];
    let mut before = 0;
    for (start, end) in stretch.parts {
        let mut from = start;
        while from < end {
            let place = before * count / total;
            // The first frame of the next piece, counted from the beginning of the stretch.
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
    fn a_change_that_the_windows_agree_on_ends_a_stretch_though_nobody_pauses() {
        let windows = [window(0, &[(0, 50, 1), (50, 100, 2)]), window(0, &[(0, 56, 2), (56, 100, 4)])];
        let found: Vec<_> = outline(&windows, 110).stretches.into_iter().map(|stretch| stretch.parts).collect();
        // The first frame of a window lies two frames after its start.
        assert_eq!(found, [[(2, 54)], [(54, 102)]]);
    }

    #[test]
    fn a_pause_divides_only_what_a_change_or_someone_else_lies_in() {
        let same = [window(0, &[(0, 30, 1), (50, 100, 1)])];
        assert_eq!(outline(&same, 110).stretches, [Stretch { parts: vec![(2, 32), (52, 102)] }]);
        for other in [vec![(0, 30, 1), (50, 100, 2)], vec![(0, 30, 1), (35, 38, 6), (50, 100, 1)]] {
            assert_eq!(outline(&[window(0, &other)], 110).stretches.len(), 2, "{other:?}");
        }
        let long = [window(0, &[(0, 30, 1), (80, 100, 1)])];
        assert_eq!(outline(&long, 110).stretches.len(), 2);
    }

    #[test]
    fn overlap_belongs_to_no_stretch_and_is_counted() {
        let found = outline(&[window(0, &[(0, 40, 1), (40, 50, 3), (50, 90, 2)])], 100);
        assert_eq!(found.stretches.iter().map(|s| (s.start(), s.end())).collect::<Vec<_>>(), [(2, 42), (52, 92)]);
        assert_eq!([found.speaking[41], found.speaking[45], found.speaking[95]], [1, 2, 0]);
    }

    proptest! {
        #[test]
        fn stretches_are_in_order_short_and_hold_every_frame_of_one_speaker(windows in windows_of(4, 400)) {
            let found = outline(&windows, 900);
            let parts: Vec<_> = found.stretches.iter().flat_map(|stretch| stretch.parts.clone()).collect();
            prop_assert!(parts.iter().all(|(start, end)| start < end));
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            prop_assert!(found.stretches.iter().all(|stretch| (1..=LONGEST).contains(&stretch.frames())));
            let covered: usize = found.stretches.iter().map(Stretch::frames).sum();
            let alone = (0..900).filter(|frame| found.speaking[*frame] == 1).count();
            prop_assert_eq!(covered, alone);
        }

        #[test]
        fn names_of_local_speakers_do_not_matter(windows in windows_of(3, 300), turns in prop::collection::vec(0_usize..3, 3)) {
            let renamed: Vec<Window> = windows.iter().zip(turns).map(|(window, turn)| super::super::tests::turned(window, turn)).collect();
            let (one, other) = (outline(&windows, 700), outline(&renamed, 700));
            prop_assert_eq!(one.stretches, other.stretches);
            prop_assert_eq!(one.speaking, other.speaking);
        }
    }
}
