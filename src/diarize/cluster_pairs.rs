//! Distances of all pairs of clusters, relative to what two speakers need. Pure.

use super::clusters::Clusters;
use super::pair_evidence::EvidenceTable;
use crate::voiceprint::dot;

/// Two clusters and their distance.
pub(super) struct ClusterPair {
    pub(super) one: usize,
    pub(super) other: usize,
    /// Centroid distance as a fraction of the threshold; below 1 both are one speaker.
    pub(super) relative_distance: f32,
    /// Seconds of speech in the shorter cluster.
    shorter: f32,
}

impl ClusterPair {
    /// Expected cost of merging two different speakers, in distance times seconds of the shorter.
    pub(super) fn loss(&self) -> f32 {
        (self.relative_distance - 1.0) * self.shorter
    }
}

impl Clusters<'_> {
    /// All pairs of clusters with their distances.
    pub(super) fn pairs(&self) -> Vec<ClusterPair> {
        let (centroids, seconds_per_cluster, constraint_sums) =
            (self.centroids(), self.seconds_per_cluster(), self.constraint_sums());
        let rules = self.thresholds.evidence;
        let evidence =
            rules.map(|rules| (rules, EvidenceTable::of(&self.labels, centroids.len(), self.constraints, self.spectra)));
        let pair = |one: usize, other: usize| {
            let shorter = seconds_per_cluster[one].min(seconds_per_cluster[other]);
            let unsure = self.thresholds.short_cluster_margin / shorter.max(0.1);
            let (sum, count) = constraint_sums[one * centroids.len() + other];
            let constraint = if count > 0 { sum / count as f32 } else { 0.0 };
            let distance = 1.0 - dot(&centroids[one], &centroids[other]) - self.thresholds.cluster_constraint_weight * constraint;
            let mut needed = self.thresholds.speaker_distance + unsure;
            if let Some((rules, table)) = &evidence {
                needed = (needed + rules.change(&table.between(one, other), shorter)).max(rules.least_distance);
            }
            ClusterPair { one, other, relative_distance: distance / needed, shorter }
        };
        (0..centroids.len())
            .flat_map(|one| (one + 1..centroids.len()).map(move |other| (one, other)))
            .map(|(one, other)| pair(one, other))
            .collect()
    }

    /// For each ordered pair of clusters, the sum and the number of constraints between their members.
    fn constraint_sums(&self) -> Vec<(f32, usize)> {
        let clusters = self.count();
        let mut constraint_sums = vec![(0.0, 0); clusters * clusters];
        for (subsegment, constraints) in self.constraints.iter().enumerate() {
            for (other, constraint) in constraints {
                let cell = &mut constraint_sums[self.labels[subsegment] * clusters + self.labels[*other]];
                *cell = (cell.0 + constraint, cell.1 + 1);
            }
        }
        constraint_sums
    }
}
