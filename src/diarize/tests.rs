//! Synthetic windows and clusters for the tests of the pure modules.

use proptest::prelude::*;

use super::calibration::Calibration;
use super::clusters::Clusters;
use super::segmentation::{SLOTS, Window};
use crate::voiceprint::FeatureKind;

/// A window with local speakers active in ranges of frames, as bit masks; silent elsewhere.
pub(super) fn window(start: usize, spans: &[(usize, usize, u8)]) -> Window {
    let mut active = vec![0; spans.iter().map(|span| span.1).max().unwrap_or(0)];
    for (from, to, bits) in spans {
        active[*from..*to].fill(*bits);
    }
    of_activity(start, active)
}

fn of_activity(start: usize, active: Vec<u8>) -> Window {
    let probability = active.iter().map(|bits| [0, 1, 2].map(|slot| if bits >> slot & 1 == 1 { 255 } else { 0 })).collect();
    Window { start, active, probability }
}

/// Strategy for `count` windows of `frames` frames, each starting a third of a window later.
pub(super) fn windows_of(count: usize, frames: usize) -> impl Strategy<Value = Vec<Window>> {
    let spans = prop::collection::vec((prop::sample::select(vec![0_u8, 1, 2, 4, 3, 5, 6]), 1_usize..80), 1..12);
    let activity = spans.prop_map(move |spans| {
        let mut active: Vec<u8> = spans.into_iter().flat_map(|(bits, length)| vec![bits; length]).collect();
        active.resize(frames, 0);
        active
    });
    prop::collection::vec(activity, count).prop_map(move |all| {
        all.into_iter()
            .enumerate()
            .map(|(index, active)| of_activity(index * frames / 3 * super::segmentation::STEP, active))
            .collect()
    })
}

/// The same window with its local speakers in another order.
pub(super) fn permuted(window: &Window, turns: usize) -> Window {
    let place = |slot: usize| (slot + turns) % SLOTS;
    let active = |bits: &u8| (0..SLOTS).filter(|slot| bits >> slot & 1 == 1).map(|slot| 1 << place(slot)).sum();
    let probability = |values: &[u8; SLOTS]| {
        let mut permuted = [0; SLOTS];
        (0..SLOTS).for_each(|slot| permuted[place(slot)] = values[slot]);
        permuted
    };
    Window {
        start: window.start,
        active: window.active.iter().map(active).collect(),
        probability: window.probability.iter().map(probability).collect(),
    }
}

/// Directions of three voices, the first two nearly the same.
pub(super) const EAST: &[f32] = &[1.0, 0.0];
pub(super) const NEAR_EAST: &[f32] = &[0.98, 0.199];
pub(super) const NORTH: &[f32] = &[0.0, 1.0];

/// Labelled subsegments with the thresholds of GE2E.
pub(super) fn clusters<'a>(
    vectors: &'a [&'a [f32]],
    seconds: &'a [f32],
    constraints: &'a [Vec<(usize, f32)>],
    labels: &[usize],
) -> Clusters<'a> {
    let thresholds = Calibration::of(FeatureKind::Mel40).thresholds(&mut [], &mut []);
    Clusters { vectors, seconds, constraints, spectra: &[], thresholds, labels: labels.to_vec() }
}

/// No constraints between this many subsegments.
pub(super) fn unlinked(count: usize) -> Vec<Vec<(usize, f32)>> {
    vec![Vec::new(); count]
}
