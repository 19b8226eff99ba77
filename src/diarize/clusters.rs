//! Clusters of subsegments: their centroids, the dissolution of those that are too small, and reassignment. Pure.

use super::calibration::{Thresholds, centroids, nearest_centroid};
use crate::voiceprint::dot;

/// Minimum speech of a speaker, in seconds and as a share of all speech; the smaller of both applies.
const MIN_SPEAKER_SECONDS: f32 = 0.8;
const MIN_SPEAKER_SHARE: f32 = 0.25;
/// Iterations of reassigning subsegments and recomputing centroids.
const ROUNDS: usize = 2;
/// Weight of the mean constraint, relative to the embedding, when a subsegment is reassigned.
const CONSTRAINT_WEIGHT: f32 = 0.1;

/// Subsegments with their cluster labels, which are numbered without gaps.
#[derive(Debug)]
pub(super) struct Clusters<'a> {
    pub(super) vectors: &'a [&'a [f32]],
    pub(super) seconds: &'a [f32],
    /// For each subsegment, the constrained other subsegments with the constraint, -1 to 1.
    pub(super) constraints: &'a [Vec<(usize, f32)>],
    /// Mean features of each subsegment; empty if they are not to be compared.
    pub(super) spectra: &'a [Vec<f32>],
    pub(super) thresholds: Thresholds,
    pub(super) labels: Vec<usize>,
}

impl Clusters<'_> {
    pub(super) fn count(&self) -> usize {
        self.labels.iter().max().map_or(0, |most| most + 1)
    }

    pub(super) fn centroids(&self) -> Vec<Vec<f32>> {
        centroids(self.vectors, &self.labels, self.seconds)
    }

    pub(super) fn seconds_per_cluster(&self) -> Vec<f32> {
        let mut seconds_per_cluster = vec![0.0; self.count()];
        for (label, seconds) in self.labels.iter().zip(self.seconds) {
            seconds_per_cluster[*label] += seconds;
        }
        seconds_per_cluster
    }

    /// Dissolves clusters with too little speech, smallest first, and assigns their subsegments to the nearest other
    /// cluster. Keeps at least `fewest` clusters.
    pub(super) fn dissolve_small(&mut self, fewest: usize) {
        let all: f32 = self.seconds.iter().sum();
        while self.count() > fewest.max(1) {
            let seconds_per_cluster = self.seconds_per_cluster();
            let Some((smallest, total)) = seconds_per_cluster.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
            else {
                break;
            };
            if total >= MIN_SPEAKER_SECONDS.min(MIN_SPEAKER_SHARE * all) {
                break;
            }
            let mut centroids = self.centroids();
            centroids.remove(smallest);
            for (label, vector) in self.labels.iter_mut().zip(self.vectors) {
                let rest = *label - usize::from(*label > smallest);
                *label = if *label == smallest { nearest_centroid(&centroids, vector) } else { rest };
            }
        }
    }

    /// Moves each subsegment to its most similar cluster and recomputes centroids; stops before a cluster would become
    /// empty.
    pub(super) fn reassign(&mut self) {
        self.reassign_repeatedly(ROUNDS);
    }

    /// [`Self::reassign`] up to `rounds` times.
    pub(super) fn reassign_repeatedly(&mut self, rounds: usize) {
        for _ in 0..rounds {
            let centroids = self.centroids();
            let mut filled = vec![false; centroids.len()];
            let mut better = Vec::with_capacity(self.labels.len());
            let mut constraint_sums = vec![0.0; centroids.len()];
            for (vector, constraints) in self.vectors.iter().zip(self.constraints) {
                constraint_sums.fill(0.0);
                for (other, constraint) in constraints {
                    constraint_sums[self.labels[*other]] += constraint;
                }
                let share = CONSTRAINT_WEIGHT / constraints.len().max(1) as f32;
                let score = |cluster: &usize| dot(&centroids[*cluster], vector) + share * constraint_sums[*cluster];
                let best = (0..centroids.len()).max_by(|a, b| score(a).total_cmp(&score(b)).then(b.cmp(a))).unwrap_or(0);
                filled[best] = true;
                better.push(best);
            }
            if better == self.labels || filled.contains(&false) {
                break;
            }
            self.labels = better;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{EAST, NEAR_EAST, NORTH, clusters, unlinked};

    #[test]
    fn small_clusters_are_dissolved_into_the_nearest() {
        let constraints = unlinked(3);
        let mut found = clusters(&[EAST, NORTH, NEAR_EAST], &[9.0, 9.0, 0.3], &constraints, &[0, 1, 2]);
        found.dissolve_small(1);
        assert_eq!(found.labels, [0, 1, 0]);
    }

    #[test]
    fn a_subsegment_moves_to_the_most_similar_cluster_but_none_is_emptied() {
        let constraints = unlinked(4);
        let mut found = clusters(&[EAST, NORTH, NORTH, NEAR_EAST], &[5.0, 5.0, 5.0, 0.1], &constraints, &[0, 1, 1, 1]);
        found.reassign();
        assert_eq!(found.labels, [0, 1, 1, 0]);
        let mut alone = clusters(&[EAST, EAST, NORTH, NORTH], &[5.0; 4], &constraints, &[0, 1, 2, 2]);
        alone.reassign();
        assert_eq!(alone.count(), 3);
    }
}
