//! What the windows say about two stretches being one person: given one place in a window, or two. Pure.

use std::collections::HashMap;

use super::segmentation::{SLOTS, Window};
use super::stretches::{FRAME_SECONDS, Stretch};

/// Less of a stretch than this in a window says nothing, in seconds.
const LEAST_SECONDS: f32 = 0.15;
/// A link counts in full from so many seconds on that its windows saw of both.
const FULL_SECONDS: f32 = 0.5;

/// Less than this mean probability, and a stretch is not said to be a local speaker's.
const LEAST_SHARE: f32 = 0.3;

/// A stretch as one window sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) stretch: usize,
    /// Mean probability of each local speaker.
    slots: [f32; SLOTS],
    seconds: f32,
}

impl Sight {
    /// Whether the window takes it for this local speaker.
    pub(super) fn is_at(&self, slot: usize) -> bool {
        self.slots[slot] > LEAST_SHARE && self.slots.iter().all(|share| *share <= self.slots[slot])
    }
}

/// The stretches that a window sees, in order of time.
pub(super) fn sights(window: &Window, stretches: &[Stretch]) -> Vec<Sight> {
    let first = window.first_global_frame();
    let end = first + window.active.len();
    let from = stretches.partition_point(|stretch| stretch.end() <= first);
    let mut sights = Vec::new();
    for (index, stretch) in stretches.iter().enumerate().skip(from).take_while(|(_, stretch)| stretch.start() < end) {
        let (mut sums, mut frames) = ([0.0; SLOTS], 0);
        for (start, stop) in &stretch.parts {
            for frame in (*start).max(first)..(*stop).min(end) {
                for (sum, value) in sums.iter_mut().zip(window.probability[frame - first]) {
                    *sum += f32::from(value) / 255.0;
                }
                frames += 1;
            }
        }
        let seconds = frames as f32 * FRAME_SECONDS;
        if seconds >= LEAST_SECONDS {
            sights.push(Sight { stretch: index, slots: sums.map(|sum| sum / frames as f32), seconds });
        }
    }
    sights
}

/// Of each stretch those that some window sees with it, and how they are taken: 1 for one person, -1 for two.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    of: Vec<Vec<(usize, f32)>>,
}

impl Links {
    /// Gathers what all windows say.
    pub(super) fn of(stretches: usize, sights: &[Vec<Sight>]) -> Self {
        let mut sums: HashMap<(usize, usize), (f32, f32)> = HashMap::new();
        for window in sights {
            for (place, one) in window.iter().enumerate() {
                for other in &window[place + 1..] {
                    let weight = one.seconds.min(1.0) * other.seconds.min(1.0);
                    let (sum, weights) = sums.entry((one.stretch, other.stretch)).or_default();
                    *sum += weight * (2.0 * common(&one.slots, &other.slots) - 1.0);
                    *weights += weight;
                }
            }
        }
        let mut of = vec![Vec::new(); stretches];
        for ((one, other), (sum, weights)) in sums {
            let vote = sum / weights.max(f32::MIN_POSITIVE) * (weights / FULL_SECONDS).min(1.0);
            of[one].push((other, vote));
            of[other].push((one, vote));
        }
        for links in &mut of {
            links.sort_unstable_by_key(|(other, _)| *other);
        }
        Self { of }
    }

    /// The neighbours of a stretch in order, with the vote.
    pub(super) fn of_stretch(&self, stretch: usize) -> &[(usize, f32)] {
        &self.of[stretch]
    }

    /// The vote on two stretches; zero when no window sees both.
    pub(super) fn vote(&self, one: usize, other: usize) -> f32 {
        let links = &self.of[one];
        links.binary_search_by_key(&other, |(stretch, _)| *stretch).map_or(0.0, |place| links[place].1)
    }
}

/// How much of their probability two stretches give to the same local speakers, 0 to 1.
fn common(one: &[f32; SLOTS], other: &[f32; SLOTS]) -> f32 {
    let (a, b) = (one.iter().sum::<f32>() + 1e-6, other.iter().sum::<f32>() + 1e-6);
    one.iter().zip(other).map(|(x, y)| (x / a).min(y / b)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::stretches::outline;
    use super::super::tests::window;
    use super::*;

    #[test]
    fn one_place_in_a_window_votes_for_and_two_against() {
        let windows =
            [window(0, &[(0, 60, 1), (60, 120, 2), (120, 180, 1)]), window(0, &[(0, 60, 4), (60, 120, 1), (120, 180, 4)])];
        let stretches = outline(&windows, 200).stretches;
        let seen: Vec<_> = windows.iter().map(|window| sights(window, &stretches)).collect();
        let links = Links::of(stretches.len(), &seen);
        assert_eq!(stretches.len(), 3);
        assert!(links.vote(0, 1) < -0.8 && links.vote(2, 1) < -0.8, "{links:?}");
        assert!(links.vote(0, 2) > 0.8);
        assert_eq!(links.of_stretch(1).iter().map(|(other, _)| *other).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(
            seen[0].iter().map(|sight| [0, 1, 2].map(|slot| sight.is_at(slot))).collect::<Vec<_>>(),
            [[true, false, false], [false, true, false], [true, false, false]]
        );
    }

    #[test]
    fn what_no_window_sees_together_is_not_linked() {
        let windows = [window(0, &[(0, 60, 1)]), window(200 * super::super::segmentation::STEP, &[(0, 60, 1)])];
        let stretches = outline(&windows, 400).stretches;
        let seen: Vec<_> = windows.iter().map(|window| sights(window, &stretches)).collect();
        assert!(Links::of(2, &seen).of_stretch(0).is_empty());
    }
}
