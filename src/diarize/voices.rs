//! What distances of voiceprints mean, for each kind of speaker model, and centres of groups of them. Pure.

use crate::voiceprint::{FeatureKind, dot, normalize};

/// The distances (1 - cosine) that tell voices of one recording apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calibration {
    /// Groups further apart than this are different persons.
    pub(super) fixed_threshold: f32,
    /// Where between "the same voice" and "two voices" of this recording the adapted threshold lies, 0 to 1.
    pub(super) between: f32,
    /// How much the adapted threshold counts against the fixed one.
    pub(super) adapted_share: f32,
    /// Local speakers of one window are surely different persons from here on.
    pub(super) apart: f32,
}

impl Calibration {
    /// As chosen on recordings other than the tests' (docs/models.md).
    pub(super) const fn of(kind: FeatureKind) -> Self {
        match kind {
            FeatureKind::Mfcc40 => Self { fixed_threshold: 0.70, between: 0.8, adapted_share: 1.0, apart: 0.25 },
            // Of the second kind there is no model to measure here: distances of trained ones lie as GE2E's do.
            FeatureKind::Mel40 | FeatureKind::Fbank80(_) => {
                Self { fixed_threshold: 0.60, between: 0.8, adapted_share: 0.5, apart: 0.45 }
            }
        }
    }
}

/// The middle value; zero of nothing.
pub(super) fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[middle],
        _ => f32::midpoint(values[middle - 1], values[middle]),
    }
}

/// The centre of each group, of length 1, its members weighed by their length.
pub(super) fn centroids(vectors: &[&[f32]], labels: &[usize], seconds: &[f32]) -> Vec<Vec<f32>> {
    let groups = labels.iter().max().map_or(0, |most| most + 1);
    let dimension = vectors.first().map_or(0, |vector| vector.len());
    let mut centres = vec![vec![0.0; dimension]; groups];
    for ((vector, label), seconds) in vectors.iter().zip(labels).zip(seconds) {
        for (sum, value) in centres[*label].iter_mut().zip(*vector) {
            // A little for each, so that a group of pieces that never speak alone has a centre too.
            *sum += value * (seconds + 0.1);
        }
    }
    for centre in &mut centres {
        normalize(centre);
    }
    centres
}

/// The centre most like a voice.
pub(super) fn nearest_centroid(centres: &[Vec<f32>], vector: &[f32]) -> usize {
    let score = |index: &usize| dot(&centres[*index], vector);
    (0..centres.len()).max_by(|one, other| score(one).total_cmp(&score(other))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-6);
        assert!((median(&mut [4.0, 1.0]) - 2.5).abs() < 1e-6);
        assert!(median(&mut []).abs() < 1e-6);
    }

    #[test]
    fn a_centre_lies_between_its_members() {
        let centres = centroids(&[&[1.0, 0.0], &[0.0, 1.0], &[0.0, -1.0]], &[0, 0, 1], &[1.0, 1.0, 1.0]);
        assert!((centres[0][0] - centres[0][1]).abs() < 1e-6);
        assert_eq!(nearest_centroid(&centres, &[0.1, -0.9]), 1);
    }
}
