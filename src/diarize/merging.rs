//! Merges clusters of subsegments into speakers. Pure.
//!
//! The centroid of many subsegments is a far better voiceprint than any one of them: centroids of ten seconds each of
//! one speaker are nearly always within 0.1, while two of that speaker's subsegments are 0.3 apart. So centroids decide
//! the number of speakers, and the shorter a cluster, the larger the distance it needs to be a separate speaker.

use super::cluster_pairs::ClusterPair;
use super::clusters::Clusters;
use crate::voiceprint::dot;

/// Fraction of the merge threshold below which clusters are merged even if that leaves fewer than the minimum.
const SURELY_SAME: f32 = 0.55;
/// When subsegments are split off as new speakers: the distance that one second of speech must make up for, since it is
/// lost if the split is wrong.
const LOSS_PER_SECOND: f32 = 0.4;

impl Clusters<'_> {
    /// Merges the closest pair repeatedly while it is below its threshold, then continues down to `max`, choosing the
    /// pair with the least [`ClusterPair::loss`]. At `min` clusters or fewer, only pairs that are surely one speaker are
    /// merged, and the outlying subsegments become speakers of their own: a speaker that was not found says little, and
    /// splitting one voice in two would be a worse guess.
    pub(super) fn merge(&mut self, min: usize, max: usize) {
        loop {
            let pairs = self.pairs();
            let Some(closest) = pairs.iter().min_by(|a, b| a.relative_distance.total_cmp(&b.relative_distance)) else { break };
            let same_speaker = if self.count() <= min { SURELY_SAME } else { 1.0 };
            let &ClusterPair { one, other, .. } = if closest.relative_distance < same_speaker {
                closest
            } else if self.count() > max {
                pairs.iter().min_by(|a, b| a.loss().total_cmp(&b.loss())).unwrap_or(closest)
            } else {
                break;
            };
            for label in &mut self.labels {
                if *label == other {
                    *label = one;
                }
                *label -= usize::from(*label > other);
            }
            self.reassign();
        }
        while self.count() < min {
            let Some(subsegment) = self.outlier() else { break };
            self.labels[subsegment] = self.count();
        }
    }

    /// The subsegment most distant from its centroid, corrected for the unreliability of short ones and the cost of
    /// long ones; `None` if every cluster has one member.
    fn outlier(&self) -> Option<usize> {
        let centroids = self.centroids();
        let mut sizes = vec![0_usize; centroids.len()];
        for label in &self.labels {
            sizes[*label] += 1;
        }
        let distance = |subsegment: &usize| {
            let seconds = self.seconds[*subsegment];
            let unsure = self.thresholds.short_cluster_margin / (2.0 * seconds.max(0.1));
            1.0 - dot(&centroids[self.labels[*subsegment]], self.vectors[*subsegment]) - unsure - LOSS_PER_SECOND * seconds
        };
        let among = (0..self.labels.len()).filter(|subsegment| sizes[self.labels[*subsegment]] > 1);
        among.max_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{EAST, NEAR_EAST, NORTH, clusters, unlinked};

    #[test]
    fn groups_of_one_voice_are_joined_and_others_are_not() {
        let constraints = unlinked(3);
        let mut found = clusters(&[EAST, NEAR_EAST, NORTH], &[9.0, 9.0, 9.0], &constraints, &[0, 1, 2]);
        found.merge(1, 9);
        assert_eq!(found.labels, [0, 0, 1]);
    }

    #[test]
    fn the_bounds_of_the_count_are_kept() {
        let constraints = unlinked(3);
        let mut found = clusters(&[EAST, NEAR_EAST, NORTH], &[9.0, 9.0, 9.0], &constraints, &[0, 1, 2]);
        found.merge(3, 9);
        assert_eq!(found.count(), 3);
        found.merge(1, 1);
        assert_eq!(found.count(), 1);
    }

    #[test]
    fn above_the_maximum_the_cluster_with_least_speech_is_merged() {
        let (halfway, south): (&[f32], &[f32]) = (&[0.6, 0.8], &[0.0, -1.0]);
        let (vectors, constraints) = ([EAST, halfway, south], unlinked(3));
        let mut found = clusters(&vectors, &[30.0, 30.0, 3.0], &constraints, &[0, 1, 2]);
        found.merge(2, 2);
        assert_eq!(found.labels, [0, 1, 0]);
    }

    #[test]
    fn below_the_minimum_the_outlier_becomes_a_speaker_and_no_voice_is_split() {
        let odd: &[f32] = &[0.866, 0.5];
        let (vectors, constraints) = ([EAST, EAST, odd, EAST, EAST], unlinked(5));
        let mut found = clusters(&vectors, &[5.0, 5.0, 5.0, 5.0, 5.0], &constraints, &[0, 0, 0, 1, 1]);
        found.merge(2, 2);
        assert_eq!(found.labels, [0, 0, 1, 0, 0]);
    }

    #[test]
    fn of_equal_outliers_the_shorter_becomes_a_speaker() {
        let odd: &[f32] = &[0.0, 1.0];
        let (vectors, constraints) = ([EAST, odd, EAST, odd, EAST], unlinked(5));
        let mut found = clusters(&vectors, &[30.0, 2.0, 30.0, 1.0, 30.0], &constraints, &[0, 0, 0, 0, 0]);
        found.merge(2, 2);
        assert_eq!(found.labels, [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_short_group_has_to_be_further_away() {
        let halfway: &[f32] = &[0.6, 0.8];
        let constraints = unlinked(2);
        for (seconds, speakers) in [(9.0, 2), (2.0, 1)] {
            let (vectors, lengths) = ([EAST, halfway], [9.0, seconds]);
            let mut found = clusters(&vectors, &lengths, &constraints, &[0, 1]);
            found.merge(1, 9);
            assert_eq!(found.count(), speakers, "{seconds} s");
        }
    }
}
