//! From windows to one line of time: how many speak in each frame, and who they are. Pure.

use super::clustering::Assignment;
use super::segmentation::{SLOTS, STEP, Window};
use super::turns::Timeline;

/// Lets the windows vote: of each frame the mean number of active speakers, rounded, and as many of the persons, those first
/// whom most windows hear.
pub(super) fn stitch(windows: &[Window], assignment: &Assignment, samples: usize) -> Timeline {
    let frames = samples / STEP + 1;
    let persons = assignment.count;
    let mut votes = vec![0_u16; frames * persons];
    let mut belief = vec![0_u32; frames * persons];
    let mut active = vec![0_u16; frames];
    let mut seen = vec![0_u16; frames];
    for (window, names) in windows.iter().zip(&assignment.persons) {
        let first = window.first_global_frame();
        for frame in 0..window.active.len().min(frames.saturating_sub(first)) {
            let at = first + frame;
            seen[at] = seen[at].saturating_add(1);
            active[at] = active[at].saturating_add((window.active[frame].count_ones() as usize).min(persons) as u16);
            for (slot, person) in names.iter().enumerate().take(SLOTS) {
                let Some(person) = *person else { continue };
                votes[at * persons + person] += u16::from(window.is_active(frame, slot));
                belief[at * persons + person] += u32::from(window.probability[frame][slot]);
            }
        }
    }
    let mut timeline = Timeline::new(frames, persons, STEP);
    let mut order: Vec<usize> = Vec::with_capacity(persons);
    for at in 0..frames {
        let windows = u32::from(seen[at].max(1));
        let count = (2 * u32::from(active[at]) + windows) / (2 * windows);
        let votes = &votes[at * persons..(at + 1) * persons];
        order.clear();
        order.extend((0..persons).filter(|person| votes[*person] > 0));
        order.sort_by_key(|person| std::cmp::Reverse(votes[*person]));
        for person in order.iter().take(count as usize) {
            let probability = belief[at * persons + person] as f32 / (255.0 * windows as f32);
            timeline.set(at, *person, probability);
        }
    }
    timeline
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: usize, active: &[u8]) -> Window {
        let probability = active.iter().map(|bits| [0, 1, 2].map(|slot| if bits >> slot & 1 == 1 { 255 } else { 0 })).collect();
        Window { start, active: active.to_vec(), probability }
    }

    #[test]
    fn windows_that_disagree_are_outvoted_and_overlap_is_kept() {
        let windows = [window(0, &[1, 1, 3]), window(0, &[1, 0, 3]), window(0, &[0, 0, 3])];
        let assignment = Assignment { persons: vec![[Some(0), Some(1), None]; 3], count: 2 };
        let timeline = stitch(&windows, &assignment, 10 * STEP);
        let on = |frame: usize, person: usize| timeline.get(frame, person).is_some();
        // The first frame of a window lies two frames after the window's start.
        assert_eq!([on(2, 0), on(3, 0), on(4, 0), on(4, 1), on(3, 1)], [true, false, true, true, false]);
    }
}
