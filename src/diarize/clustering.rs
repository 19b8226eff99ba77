//! Assigns subsegments to speakers and estimates the number of speakers. Pure.
//!
//! Average linkage over embedding distances and pairwise constraints gives clusters that each belong to one speaker
//! with high certainty. These are merged by their centroids ([`super::merging`]), down to the given number or while
//! they are closer than the calibrated distance ([`super::calibration`]). Subsegments too short to be clustered are
//! assigned afterwards. Alternatives and their error rates are in docs/experiments.md.

use super::SpeakerCount;
use super::calibration::{Calibration, Thresholds};
use super::clusters::Clusters;
use super::constraints::PairConstraints;
use super::linkage::{Dendrogram, DistanceMatrix, Linkage};
use super::subsegments::Subsegment;
use crate::voiceprint::dot;

/// Shorter subsegments are not clustered but assigned afterwards.
const MIN_CLUSTERED_SECONDS: f32 = 0.8;
/// Minimum duration of both subsegments in seconds, and minimum absolute constraint, for a pair to be used in
/// calibration.
const MIN_CALIBRATION_SECONDS: f32 = 1.0;
const SURE_CONSTRAINT: f32 = 0.7;
/// Above this number an even selection of subsegments is clustered and the others are assigned afterwards, since time
/// and memory grow with the square (3,000 take 18 MB) and an hour has more than a thousand.
const MAX_CLUSTERED: usize = 3000;
/// Maximum clusters compared by centroids; far more than the speakers of any call.
const MAX_INITIAL_CLUSTERS: usize = 64;
/// Step by which the merge distance decreases while there are fewer clusters than speakers.
const DISTANCE_STEP: f32 = 0.05;
/// Weights of the constraints and of the nearest subsegment in time when an unclustered subsegment is assigned.
const CONSTRAINT_WEIGHT: f32 = 0.5;
const NEAREST_BONUS: f32 = 0.02;

/// Speaker of each subsegment; speakers are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SpeakerLabels {
    /// Speaker index of each subsegment.
    pub(super) labels: Vec<usize>,
    /// Number of speakers, at least 1.
    pub(super) count: usize,
}

/// What is heard of each subsegment.
#[derive(Debug, Default)]
pub(super) struct Voices {
    /// Embeddings; `None` for subsegments too short to have one.
    pub(super) embeddings: Vec<Option<Vec<f32>>>,
    /// Mean of each feature over the subsegment; zeros for those without an embedding.
    pub(super) spectra: Vec<Vec<f32>>,
}

/// Assigns each subsegment to a speaker.
pub(super) fn cluster_speakers(
    subsegments: &[Subsegment],
    voices: &Voices,
    constraints: &PairConstraints,
    calibration: &Calibration,
    count: SpeakerCount,
) -> SpeakerLabels {
    let seconds: Vec<f32> = subsegments.iter().map(Subsegment::seconds).collect();
    let chosen = select_for_clustering(&seconds, &voices.embeddings);
    if chosen.is_empty() {
        // Too little speech for any embedding: one speaker.
        return SpeakerLabels { labels: vec![0; subsegments.len()], count: 1 };
    }
    let vectors: Vec<&[f32]> = chosen.iter().map(|index| voices.embeddings[*index].as_deref().unwrap_or_default()).collect();
    let spectra: Vec<Vec<f32>> = chosen.iter().filter_map(|index| voices.spectra.get(*index).cloned()).collect();
    let lengths: Vec<f32> = chosen.iter().map(|index| seconds[*index]).collect();
    let chosen_constraints = constraints_among(&chosen, constraints, subsegments.len());
    let thresholds = thresholds(&vectors, &lengths, &chosen_constraints, calibration);
    let distances = DistanceMatrix::from_fn(chosen.len(), |one, other| {
        let constraint = constraints.between(chosen[one], chosen[other]);
        1.0 - dot(vectors[one], vectors[other])
            - if constraint > 0.0 { thresholds.must_link_bonus } else { thresholds.cannot_link_penalty } * constraint
    });
    let tree = Dendrogram::new(distances, Linkage::Average);
    let labels = initial_clusters(&tree, thresholds.initial_distance, count.min);
    let mut clusters = Clusters {
        vectors: &vectors,
        seconds: &lengths,
        constraints: &chosen_constraints,
        spectra: &spectra,
        thresholds,
        labels,
    };
    clusters.dissolve_small(count.min);
    if count.given().is_none() {
        clusters.reassign();
    }
    clusters.merge(count.min, count.max);
    if thresholds.evidence.is_some() {
        clusters.divide(count.min, count.max);
    }
    if count.given().is_none() {
        clusters.dissolve_small(count.min);
    }
    let known = chosen.iter().copied().zip(clusters.labels.iter().copied()).collect::<Vec<_>>();
    assign_rest(subsegments, &voices.embeddings, constraints, &clusters.centroids(), &known)
}

/// Indices of subsegments with an embedding and enough speech, evenly thinned to at most [`MAX_CLUSTERED`].
fn select_for_clustering(seconds: &[f32], voices: &[Option<Vec<f32>>]) -> Vec<usize> {
    let known = || (0..seconds.len()).filter(|index| voices[*index].is_some());
    let longest = known().map(|index| seconds[index]).fold(0.0, f32::max);
    let all: Vec<usize> = known().filter(|index| seconds[*index] >= MIN_CLUSTERED_SECONDS.min(longest)).collect();
    let stride = all.len().div_ceil(MAX_CLUSTERED).max(1);
    all.into_iter().step_by(stride).collect()
}

/// The constraints between chosen subsegments, indexed by their position in the selection.
fn constraints_among(chosen: &[usize], constraints: &PairConstraints, subsegments: usize) -> Vec<Vec<(usize, f32)>> {
    let mut places = vec![None; subsegments];
    for (place, index) in chosen.iter().enumerate() {
        places[*index] = Some(place);
    }
    let of = |index: &usize| {
        constraints.of_subsegment(*index).iter().filter_map(|(other, constraint)| Some((places[*other]?, *constraint))).collect()
    };
    chosen.iter().map(of).collect()
}

/// Calibrates the thresholds on pairs with a strong constraint.
fn thresholds(vectors: &[&[f32]], seconds: &[f32], constraints: &[Vec<(usize, f32)>], calibration: &Calibration) -> Thresholds {
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for (one, constraints) in constraints.iter().enumerate() {
        for (other, constraint) in constraints.iter().filter(|(other, _)| *other > one) {
            if seconds[one].min(seconds[*other]) < MIN_CALIBRATION_SECONDS {
                continue;
            }
            let distance = 1.0 - dot(vectors[one], vectors[*other]);
            if *constraint > SURE_CONSTRAINT {
                same.push(distance);
            } else if *constraint < -SURE_CONSTRAINT {
                different.push(distance);
            }
        }
    }
    calibration.thresholds(&mut same, &mut different)
}

/// Cuts the dendrogram into clusters of one speaker each; lower if there are fewer clusters than speakers.
fn initial_clusters(tree: &Dendrogram, initial_distance: f32, fewest: usize) -> Vec<usize> {
    let cluster_count = |labels: &[usize]| labels.iter().max().map_or(0, |most| most + 1);
    let mut height = initial_distance;
    let mut labels = tree.cut_at(height);
    while cluster_count(&labels) < fewest && height > -1.0 {
        height -= DISTANCE_STEP;
        labels = tree.cut_at(height);
    }
    if cluster_count(&labels) < fewest {
        return tree.cut_into(fewest);
    }
    if cluster_count(&labels) > MAX_INITIAL_CLUSTERS.max(fewest) {
        tree.cut_into(MAX_INITIAL_CLUSTERS.max(fewest))
    } else {
        labels
    }
}

/// Assigns each unclustered subsegment by its embedding (if any), its constraints, and the nearest clustered subsegment
/// in time.
fn assign_rest(
    subsegments: &[Subsegment],
    voices: &[Option<Vec<f32>>],
    constraints: &PairConstraints,
    centroids: &[Vec<f32>],
    known: &[(usize, usize)],
) -> SpeakerLabels {
    let mut labels: Vec<Option<usize>> = vec![None; subsegments.len()];
    for (index, speaker) in known {
        labels[*index] = Some(*speaker);
    }
    let clustered = labels.clone();
    for (index, subsegment) in subsegments.iter().enumerate().filter(|(index, _)| clustered[*index].is_none()) {
        let mut scores = vec![0.0_f32; centroids.len()];
        if let Some(vector) = &voices[index] {
            let sure = subsegment.seconds().min(1.0);
            scores.iter_mut().zip(centroids).for_each(|(score, centroid)| *score += sure * dot(centroid, vector));
        }
        let neighbours: Vec<(usize, f32)> = constraints
            .of_subsegment(index)
            .iter()
            .filter_map(|(other, constraint)| Some((clustered[*other]?, *constraint)))
            .collect();
        for (speaker, constraint) in &neighbours {
            scores[*speaker] += CONSTRAINT_WEIGHT * constraint / neighbours.len() as f32;
        }
        let after = known.partition_point(|(other, _)| *other < index);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|place| known.get(place));
        let nearest = near.min_by_key(|(other, _)| subsegments[*other].start().abs_diff(subsegment.start()));
        if let Some((_, speaker)) = nearest {
            scores[*speaker] += NEAREST_BONUS;
        }
        labels[index] = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)));
    }
    SpeakerLabels { labels: labels.into_iter().map(Option::unwrap_or_default).collect(), count: centroids.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voiceprint::{FeatureKind, normalize};

    /// Subsegments of two seconds, one second apart.
    fn subsegments(count: usize) -> Vec<Subsegment> {
        (0..count).map(|index| Subsegment { parts: vec![(index * 177, index * 177 + 118)] }).collect()
    }

    fn voice(angle: f32) -> Vec<f32> {
        let mut vector = vec![angle.cos(), angle.sin(), 0.3];
        normalize(&mut vector);
        vector
    }

    fn cluster(voices: &[Option<Vec<f32>>], count: SpeakerCount) -> SpeakerLabels {
        let subsegments = subsegments(voices.len());
        let constraints = PairConstraints::of(subsegments.len(), &[]);
        let voices = Voices { embeddings: voices.to_vec(), spectra: Vec::new() };
        cluster_speakers(&subsegments, &voices, &constraints, &Calibration::of(FeatureKind::Mel40), count)
    }

    #[test]
    fn distant_voices_are_speakers_and_a_given_count_is_kept() {
        let voices: Vec<_> = (0..12).map(|index| Some(voice(index as f32 % 3.0 * 1.4 + index as f32 * 0.01))).collect();
        assert_eq!(cluster(&voices, SpeakerCount::UNKNOWN).labels, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        for count in 1..=5 {
            assert_eq!(cluster(&voices, SpeakerCount::exactly(count)).count, count);
        }
        assert_eq!(cluster(&voices, SpeakerCount { min: 1, max: 2 }).count, 2);
        assert_eq!(cluster(&voices, SpeakerCount { min: 4, max: 9 }).count, 4);
    }

    #[test]
    fn a_subsegment_without_an_embedding_follows_its_neighbour() {
        let mut voices: Vec<_> = (0..6).map(|index| Some(voice(index as f32 % 2.0 * 1.4))).collect();
        voices[5] = None;
        assert_eq!(cluster(&voices, SpeakerCount::UNKNOWN).labels, [0, 1, 0, 1, 0, 0]);
        assert_eq!(cluster(&[None, None], SpeakerCount::UNKNOWN), SpeakerLabels { labels: vec![0, 0], count: 1 });
    }

    #[test]
    fn a_very_long_recording_is_clustered_in_part_and_assigned_completely() {
        let voices: Vec<_> = (0..7001).map(|index| Some(voice(index as f32 % 2.0 * 1.4))).collect();
        let found = cluster(&voices, SpeakerCount::UNKNOWN);
        assert!(found.labels.iter().enumerate().all(|(index, speaker)| *speaker == index % 2));
    }
}
