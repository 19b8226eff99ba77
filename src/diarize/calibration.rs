//! Distance thresholds for each kind of speaker model and each recording, and cluster centroids. Pure.

use super::pair_evidence::EvidenceRules;
use crate::voiceprint::{FeatureKind, dot, normalize};

/// Minimum pairs of subsegments of each kind (same speaker, different speakers) to calibrate on a recording.
const MIN_PAIRS: usize = 5;
/// Median distance (1 - cosine) between two speakers in one window for which [`Thresholds::DEFAULT`] was chosen.
const REFERENCE_DISTANCE: f32 = 0.85;
/// Bounds of the factor by which a recording scales its thresholds.
const SCALE_RANGE: (f32, f32) = (0.05, 1.2);
/// Minimum distance between two speakers that windows separate; below it the windows are assumed to be wrong, since
/// noise and echoes can make them see two speakers in one voice. In recordings of several people it is at least 0.35
/// with GE2E.
const MIN_SPEAKER_DISTANCE: f32 = 0.15;
/// Bounds of the calibrated speaker distance.
const SPEAKER_DISTANCE_RANGE: (f32, f32) = (0.03, 0.7);

/// Default distances of one kind of speaker model, and how far a recording may change them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calibration {
    /// Distance (1 - cosine) between cluster centroids above which they are different speakers.
    speaker_distance: f32,
    /// Mean distance up to which average linkage merges subsegments.
    initial_distance: f32,
    /// Position of the threshold between "one voice" (0) and "two voices" (1) when it is calibrated on the recording.
    position: f32,
    /// Weight of the calibrated threshold against the fixed one, 0 to 1.
    recording_weight: f32,
    /// [`Thresholds::short_cluster_margin`] and [`Thresholds::cluster_constraint_weight`] before calibration.
    short_cluster_margin: f32,
    cluster_constraint_weight: f32,
    /// How observations besides the distance count; `None` for speaker models for which this was not measured.
    evidence: Option<EvidenceRules>,
}

impl Calibration {
    /// Constants chosen on recordings outside the test set (docs/models.md).
    pub(super) const fn of(kind: FeatureKind) -> Self {
        match kind {
            FeatureKind::Mfcc40 => Self::by_distance(0.35, 0.5, 1.0),
            FeatureKind::Mel40 => Self::by_distance(0.30, 0.45, 0.5),
            // Chosen with CAM++ (docs/experiments.md): its voices are further apart than those of GE2E, and so is one voice
            // from itself on another line.
            FeatureKind::Fbank80(_) => Self {
                speaker_distance: 0.46,
                initial_distance: 0.45,
                position: 0.45,
                recording_weight: 0.0,
                short_cluster_margin: 0.45,
                cluster_constraint_weight: 0.07,
                evidence: Some(EvidenceRules::CAMPPLUS),
            },
        }
    }

    /// Rules that know the distance alone.
    const fn by_distance(speaker_distance: f32, position: f32, recording_weight: f32) -> Self {
        let Thresholds { initial_distance, short_cluster_margin, cluster_constraint_weight, .. } = Thresholds::DEFAULT;
        Self {
            speaker_distance,
            initial_distance,
            position,
            recording_weight,
            short_cluster_margin,
            cluster_constraint_weight,
            evidence: None,
        }
    }

    /// Calibrates the thresholds on a recording, from distances between subsegments that the segmentation is sure are
    /// one speaker (`same`) or two (`different`).
    ///
    /// A narrow band, a shared line or a room bring all voices of a recording closer together, including those of one
    /// speaker, so all thresholds are scaled by that. The distance between two subsegments includes the noise of both;
    /// that between centroids of many subsegments does not: with cosines, `1 - different` is the cosine of the two
    /// voices times the cosine of two subsegments of one voice.
    pub(super) fn thresholds(&self, same: &mut [f32], different: &mut [f32]) -> Thresholds {
        let mut thresholds = Thresholds {
            speaker_distance: self.speaker_distance,
            initial_distance: self.initial_distance,
            short_cluster_margin: self.short_cluster_margin,
            cluster_constraint_weight: self.cluster_constraint_weight,
            evidence: self.evidence,
            ..Thresholds::DEFAULT
        };
        if same.len() < MIN_PAIRS || different.len() < MIN_PAIRS {
            return thresholds;
        }
        let (same, different) = (median(same).min(0.9), median(different));
        let voices = 1.0 - (1.0 - different) / (1.0 - same);
        if voices < MIN_SPEAKER_DISTANCE {
            return Thresholds { cannot_link_penalty: 0.0, cluster_constraint_weight: 0.0, ..thresholds };
        }
        let own = self.position * voices;
        thresholds.speaker_distance = (self.recording_weight * own + (1.0 - self.recording_weight) * self.speaker_distance)
            .clamp(SPEAKER_DISTANCE_RANGE.0, SPEAKER_DISTANCE_RANGE.1);
        let scale = (different / REFERENCE_DISTANCE).clamp(SCALE_RANGE.0, SCALE_RANGE.1);
        for rule in [
            &mut thresholds.initial_distance,
            &mut thresholds.must_link_bonus,
            &mut thresholds.cannot_link_penalty,
            &mut thresholds.short_cluster_margin,
            &mut thresholds.cluster_constraint_weight,
        ] {
            *rule *= scale;
        }
        thresholds
    }
}

/// The distances (1 - cosine) by which the subsegments and clusters of one recording are merged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    /// Distance between centroids of long clusters above which they are different speakers.
    pub(super) speaker_distance: f32,
    /// Additional distance times seconds that short clusters need, since short speech gives an unreliable centroid.
    pub(super) short_cluster_margin: f32,
    /// Mean distance up to which average linkage merges subsegments, before centroids are compared.
    pub(super) initial_distance: f32,
    /// Reduces the distance of two subsegments per unit of must-link constraint.
    pub(super) must_link_bonus: f32,
    /// Increases the distance of two subsegments per unit of cannot-link constraint.
    pub(super) cannot_link_penalty: f32,
    /// Weight of the mean constraint between two clusters.
    pub(super) cluster_constraint_weight: f32,
    /// How observations besides the distance count.
    pub(super) evidence: Option<EvidenceRules>,
}

impl Thresholds {
    /// Thresholds for speakers at the usual distance from each other.
    const DEFAULT: Self = Self {
        speaker_distance: 0.3,
        short_cluster_margin: 0.4,
        initial_distance: 0.45,
        must_link_bonus: 0.1,
        cannot_link_penalty: 0.3,
        cluster_constraint_weight: 0.15,
        evidence: None,
    };
}

/// The median; 0 for no values.
pub(super) fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[middle],
        _ => f32::midpoint(values[middle - 1], values[middle]),
    }
}

/// Centroid of each cluster, of length 1; members are weighted by duration.
pub(super) fn centroids(vectors: &[&[f32]], labels: &[usize], seconds: &[f32]) -> Vec<Vec<f32>> {
    let clusters = labels.iter().max().map_or(0, |most| most + 1);
    let dimension = vectors.first().map_or(0, |vector| vector.len());
    let mut centroids = vec![vec![0.0; dimension]; clusters];
    for ((vector, label), seconds) in vectors.iter().zip(labels).zip(seconds) {
        for (sum, value) in centroids[*label].iter_mut().zip(*vector) {
            // A constant term, so that the shortest members count too.
            *sum += value * (seconds + 0.1);
        }
    }
    for centroid in &mut centroids {
        normalize(centroid);
    }
    centroids
}

/// Index of the centroid with the highest cosine similarity to `vector`.
pub(super) fn nearest_centroid(centroids: &[Vec<f32>], vector: &[f32]) -> usize {
    let score = |index: &usize| dot(&centroids[*index], vector);
    (0..centroids.len()).max_by(|one, other| score(one).total_cmp(&score(other))).unwrap_or(0)
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
        let centroids = centroids(&[&[1.0, 0.0], &[0.0, 1.0], &[0.0, -1.0]], &[0, 0, 1], &[1.0, 1.0, 1.0]);
        assert!((centroids[0][0] - centroids[0][1]).abs() < 1e-6);
        assert_eq!(nearest_centroid(&centroids, &[0.1, -0.9]), 1);
    }

    #[test]
    fn windows_that_find_two_speakers_in_one_voice_are_ignored() {
        let calibration = Calibration::by_distance(0.3, 0.5, 0.5);
        let thresholds = calibration.thresholds(&mut [0.41; 5], &mut [0.40; 5]);
        assert_eq!(
            thresholds,
            Thresholds { speaker_distance: 0.3, cannot_link_penalty: 0.0, cluster_constraint_weight: 0.0, ..Thresholds::DEFAULT }
        );
    }

    #[test]
    fn thresholds_follow_the_recording_if_it_has_enough_pairs() {
        let calibration = Calibration::by_distance(0.3, 0.5, 0.5);
        assert_eq!(
            calibration.thresholds(&mut [0.2; 4], &mut [0.6; 5]),
            Thresholds { speaker_distance: 0.3, ..Thresholds::DEFAULT }
        );
        // Two voices are 1 - 0.4 / 0.8 = 0.5 apart; half of that is 0.25, averaged with 0.3.
        let thresholds = calibration.thresholds(&mut [0.2; 5], &mut [0.6; 5]);
        assert!((thresholds.speaker_distance - 0.275).abs() < 1e-6);
        assert!((thresholds.initial_distance - Thresholds::DEFAULT.initial_distance * 0.6 / REFERENCE_DISTANCE).abs() < 1e-6);
    }
}
