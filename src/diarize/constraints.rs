//! Soft pairwise constraints between subsegments, from the windows that contain both: must-link if a window assigns
//! both to one local speaker, cannot-link if to two. Pure.

use std::collections::HashMap;

use super::segmentation::{SLOTS, Window};
use super::subsegments::{FRAME_SECONDS, Subsegment};

/// Minimum part of a subsegment inside a window, in seconds, for the window to count.
const MIN_SECONDS: f32 = 0.15;
/// A constraint has its full weight if its windows contain at least this many seconds of both subsegments.
const FULL_SECONDS: f32 = 0.5;

/// Minimum mean probability for a subsegment to be assigned to a local speaker.
const MIN_PROBABILITY: f32 = 0.3;

/// A subsegment as seen by one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubsegmentActivity {
    pub(super) subsegment: usize,
    /// Mean probability of each local speaker over the subsegment.
    slots: [f32; SLOTS],
    seconds: f32,
}

impl SubsegmentActivity {
    /// True if this local speaker is the most probable one and reaches [`MIN_PROBABILITY`].
    pub(super) fn is_local_speaker(&self, slot: usize) -> bool {
        self.slots[slot] > MIN_PROBABILITY && self.slots.iter().all(|share| *share <= self.slots[slot])
    }
}

/// The subsegments inside a window, in order of time.
pub(super) fn activities(window: &Window, subsegments: &[Subsegment]) -> Vec<SubsegmentActivity> {
    let first = window.first_global_frame();
    let end = first + window.active.len();
    let from = subsegments.partition_point(|subsegment| subsegment.end() <= first);
    let mut activities = Vec::new();
    for (index, subsegment) in subsegments.iter().enumerate().skip(from).take_while(|(_, subsegment)| subsegment.start() < end) {
        let (mut sums, mut frames) = ([0.0; SLOTS], 0);
        for (start, stop) in &subsegment.parts {
            for frame in (*start).max(first)..(*stop).min(end) {
                for (sum, value) in sums.iter_mut().zip(window.probability[frame - first]) {
                    *sum += f32::from(value) / 255.0;
                }
                frames += 1;
            }
        }
        let seconds = frames as f32 * FRAME_SECONDS;
        if seconds >= MIN_SECONDS {
            activities.push(SubsegmentActivity { subsegment: index, slots: sums.map(|sum| sum / frames as f32), seconds });
        }
    }
    activities
}

/// Constraints of each subsegment: the index of the other subsegment and a value from -1 (cannot-link) to 1
/// (must-link).
#[derive(Debug, Clone, Default)]
pub(super) struct PairConstraints {
    of: Vec<Vec<(usize, f32)>>,
}

impl PairConstraints {
    /// Averages the evidence of all windows for each pair.
    pub(super) fn of(subsegments: usize, activities: &[Vec<SubsegmentActivity>]) -> Self {
        let mut sums: HashMap<(usize, usize), (f32, f32)> = HashMap::new();
        for window in activities {
            for (place, one) in window.iter().enumerate() {
                for other in &window[place + 1..] {
                    let weight = one.seconds.min(1.0) * other.seconds.min(1.0);
                    let (sum, weights) = sums.entry((one.subsegment, other.subsegment)).or_default();
                    *sum += weight * (2.0 * shared_probability(&one.slots, &other.slots) - 1.0);
                    *weights += weight;
                }
            }
        }
        let mut of = vec![Vec::new(); subsegments];
        for ((one, other), (sum, weights)) in sums {
            let constraint = sum / weights.max(f32::MIN_POSITIVE) * (weights / FULL_SECONDS).min(1.0);
            of[one].push((other, constraint));
            of[other].push((one, constraint));
        }
        for constraints in &mut of {
            constraints.sort_unstable_by_key(|(other, _)| *other);
        }
        Self { of }
    }

    /// Constraints of one subsegment, sorted by the other's index.
    pub(super) fn of_subsegment(&self, subsegment: usize) -> &[(usize, f32)] {
        &self.of[subsegment]
    }

    /// The constraint between two subsegments; 0 if no window contains both.
    pub(super) fn between(&self, one: usize, other: usize) -> f32 {
        let constraints = &self.of[one];
        constraints.binary_search_by_key(&other, |(subsegment, _)| *subsegment).map_or(0.0, |place| constraints[place].1)
    }
}

/// Overlap of the two distributions over local speakers, 0 to 1.
fn shared_probability(one: &[f32; SLOTS], other: &[f32; SLOTS]) -> f32 {
    let (a, b) = (one.iter().sum::<f32>() + 1e-6, other.iter().sum::<f32>() + 1e-6);
    one.iter().zip(other).map(|(x, y)| (x / a).min(y / b)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::subsegments::aggregate;
    use super::super::tests::window;
    use super::*;

    #[test]
    fn one_local_speaker_is_a_must_link_and_two_are_a_cannot_link() {
        let windows =
            [window(0, &[(0, 60, 1), (60, 120, 2), (120, 180, 1)]), window(0, &[(0, 60, 4), (60, 120, 1), (120, 180, 4)])];
        let subsegments = aggregate(&windows, 200).subsegments;
        let seen: Vec<_> = windows.iter().map(|window| activities(window, &subsegments)).collect();
        let constraints = PairConstraints::of(subsegments.len(), &seen);
        assert_eq!(subsegments.len(), 3);
        assert!(constraints.between(0, 1) < -0.8 && constraints.between(2, 1) < -0.8, "{constraints:?}");
        assert!(constraints.between(0, 2) > 0.8);
        assert_eq!(constraints.of_subsegment(1).iter().map(|(other, _)| *other).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(
            seen[0].iter().map(|activity| [0, 1, 2].map(|slot| activity.is_local_speaker(slot))).collect::<Vec<_>>(),
            [[true, false, false], [false, true, false], [true, false, false]]
        );
    }

    #[test]
    fn subsegments_without_a_common_window_have_no_constraint() {
        let windows = [window(0, &[(0, 60, 1)]), window(200 * super::super::segmentation::STEP, &[(0, 60, 1)])];
        let subsegments = aggregate(&windows, 400).subsegments;
        let seen: Vec<_> = windows.iter().map(|window| activities(window, &subsegments)).collect();
        assert!(PairConstraints::of(2, &seen).of_subsegment(0).is_empty());
    }
}
