//! From windows to one line of time: how many speak in each frame, and who they are. Pure.

use super::clustering::Persons;
use super::links::Sight;
use super::segmentation::{SLOTS, STEP, Window};
use super::stretches::{Outline, Stretch};
use super::turns::Timeline;

/// Of one window, the stretches that are one local speaker's, each with its person.
type Place<'a> = Vec<(&'a Stretch, usize)>;

/// Adds up what the windows believe: of each frame as many of the persons as speak there, the most probable ones.
///
/// A stretch has its person, whatever place a window gives it. Where several speak at once there is no stretch: a local speaker
/// then is who had that place in the window nearest in time.
pub(super) fn stitch(windows: &[Window], sights: &[Vec<Sight>], outline: &Outline, persons: &Persons) -> Timeline {
    let frames = outline.speaking.len();
    let mut belief = vec![0_u16; frames * persons.count];
    let owners = owners(outline, persons);
    for (window, sights) in windows.iter().zip(sights) {
        let first = window.first_global_frame();
        let places = places(sights, outline, persons);
        for (slot, place) in places.iter().enumerate() {
            let mut nearest = 0;
            for frame in 0..window.active.len().min(frames.saturating_sub(first)) {
                let at = first + frame;
                while nearest + 1 < place.len() && distance(place[nearest + 1].0, at) <= distance(place[nearest].0, at) {
                    nearest += 1;
                }
                let own = owners[at].filter(|_| window.is_alone(frame, slot));
                let Some(person) = own.or_else(|| place.get(nearest).map(|(_, person)| *person)) else { continue };
                let cell = &mut belief[at * persons.count + person];
                *cell = cell.saturating_add(u16::from(window.probability[frame][slot]));
            }
        }
    }
    let mut timeline = Timeline::new(frames, persons.count, STEP);
    let mut order: Vec<usize> = Vec::with_capacity(persons.count);
    for at in 0..frames {
        let believed = &belief[at * persons.count..(at + 1) * persons.count];
        order.clear();
        order.extend((0..persons.count).filter(|person| believed[*person] > 0));
        order.sort_by_key(|person| std::cmp::Reverse(believed[*person]));
        for person in order.iter().take(usize::from(outline.speaking[at])) {
            let probability = f32::from(believed[*person]) / (255.0 * f32::from(outline.seen[at].max(1)));
            timeline.set(at, *person, probability);
        }
    }
    timeline
}

/// Of each frame the person whose stretch it is in.
fn owners(outline: &Outline, persons: &Persons) -> Vec<Option<usize>> {
    let mut owners = vec![None; outline.speaking.len()];
    for (stretch, person) in outline.stretches.iter().zip(&persons.of) {
        for (start, end) in &stretch.parts {
            owners[*start..*end].fill(Some(*person));
        }
    }
    owners
}

/// Of each local speaker of a window its stretches, in order of time.
fn places<'a>(sights: &[Sight], outline: &'a Outline, persons: &Persons) -> [Place<'a>; SLOTS] {
    let mut places: [Place<'a>; SLOTS] = Default::default();
    for sight in sights {
        for (_, place) in places.iter_mut().enumerate().filter(|(slot, _)| sight.is_at(*slot)) {
            place.push((&outline.stretches[sight.stretch], persons.of[sight.stretch]));
        }
    }
    places
}

/// Frames from a stretch to a frame; zero inside.
fn distance(stretch: &Stretch, frame: usize) -> usize {
    stretch.start().saturating_sub(frame).max((frame + 1).saturating_sub(stretch.end()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::links::sights;
    use super::super::stretches::outline;
    use super::super::tests::{turned, window, windows_of};
    use super::*;

    fn stitched(windows: &[Window], frames: usize, persons: impl Fn(usize) -> usize, count: usize) -> Timeline {
        let outline = outline(windows, frames);
        let seen: Vec<_> = windows.iter().map(|window| sights(window, &outline.stretches)).collect();
        let persons = Persons { of: (0..outline.stretches.len()).map(persons).collect(), count };
        stitch(windows, &seen, &outline, &persons)
    }

    fn speaking(timeline: &Timeline, frame: usize, persons: usize) -> Vec<usize> {
        (0..persons).filter(|person| timeline.get(frame, *person).is_some()).collect()
    }

    #[test]
    fn overlap_goes_to_those_who_speak_around_it() {
        let windows = [window(0, &[(0, 40, 1), (40, 60, 3), (60, 100, 2)]), window(0, &[(0, 40, 4), (40, 60, 5), (60, 100, 1)])];
        let timeline = stitched(&windows, 120, |stretch| 1 - stretch, 2);
        assert_eq!([20, 50, 80, 110].map(|frame| speaking(&timeline, frame, 2)), [vec![1], vec![0, 1], vec![0], vec![]]);
    }

    #[test]
    fn three_and_four_people_in_one_place_after_another_keep_their_own_stretches() {
        let four = [window(0, &[(0, 50, 1), (50, 100, 2), (100, 150, 4), (150, 200, 1)])];
        let timeline = stitched(&four, 210, |stretch| stretch % 3, 3);
        assert_eq!([20, 70, 120, 170].map(|frame| speaking(&timeline, frame, 3)), [vec![0], vec![1], vec![2], vec![0]]);
        let timeline = stitched(&[window(0, &[(0, 50, 1), (50, 70, 6), (70, 90, 4)])], 100, |stretch| stretch, 2);
        assert_eq!(speaking(&timeline, 60, 2), [1]);
    }

    #[test]
    fn a_window_that_disagrees_is_outvoted() {
        let mut windows = vec![window(0, &[(0, 100, 1)]); 3];
        windows.push(window(0, &[(0, 100, 3)]));
        let timeline = stitched(&windows, 110, |_| 0, 1);
        assert_eq!(timeline.get(50, 0).map(|belief| (belief * 100.0).round()), Some(100.0));
    }

    proptest! {
        #[test]
        fn names_of_local_speakers_do_not_matter(windows in windows_of(3, 300), turns in prop::collection::vec(0_usize..3, 3)) {
            let renamed: Vec<Window> = windows.iter().zip(turns).map(|(window, turn)| turned(window, turn)).collect();
            let (one, other) = (stitched(&windows, 700, |stretch| stretch % 3, 3), stitched(&renamed, 700, |stretch| stretch % 3, 3));
            for frame in 0..700 {
                prop_assert_eq!(speaking(&one, frame, 3), speaking(&other, frame, 3));
            }
        }
    }
}
