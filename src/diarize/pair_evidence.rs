//! What speaks for two clusters being one speaker or two, besides the distance of their voices. Pure.
//!
//! Two people on one bad line can be closer to each other than one person is to themselves after a change of handset,
//! so the distance alone is not sufficient. Three further observations are used:
//! - Windows of the segmentation seldom assign subsegments of two people to one local speaker. If they do so as often
//!   as for a random split, the clusters are parts of one voice, even at a distance.
//! - People alternate. A line that changes divides a voice into few stretches.
//! - A changed line changes the spectrum at the same time as the voice.
//!
//! How well each of them separates is in docs/experiments.md.

/// A constraint above this is a sure must-link.
const SURE_MUST_LINK: f32 = 0.5;
/// Maximum of the ratio of straddling links to those of a random split.
const MAX_STRADDLING: f32 = 1.2;

/// How much each observation changes the distance that two clusters need, for one kind of speaker model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EvidenceRules {
    /// Straddling links, as a fraction of those of a random split, at which they say nothing.
    pub(super) neutral_straddling: f32,
    /// Change of the distance per unit below and above [`Self::neutral_straddling`].
    pub(super) weight_below: f32,
    pub(super) weight_above: f32,
    /// Straddling links expected of a random split for the full weight.
    pub(super) full_links: f32,
    /// Weight of contiguity by the number of alternations, from one; 0 for more.
    pub(super) contiguity: [f32; 5],
    /// Alternations, as a fraction of those in random order, up to which clusters are contiguous, and from which they are not.
    pub(super) few_alternations: f32,
    pub(super) many_alternations: f32,
    /// Seconds of the shorter cluster per alternation from which clusters are contiguous, and range until this is sure.
    pub(super) long_stretches: f32,
    pub(super) stretches_range: f32,
    /// Additional distance of contiguous clusters with the same and with another spectrum.
    pub(super) contiguous: f32,
    pub(super) line_change: f32,
    /// Distance of spectra, in standard deviations, from which a line has changed, and range until this is sure.
    pub(super) spectral_distance: f32,
    pub(super) spectral_range: f32,
    /// Seconds of speech in the shorter cluster for the full weight of contiguity.
    pub(super) full_seconds: f32,
    /// Lower bound of the distance that is needed.
    pub(super) least_distance: f32,
}

/// Observations about two clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PairEvidence {
    /// Sure must-links between the clusters, as a fraction of those that a random split of all their members would have.
    pub(super) straddling: f32,
    /// Number of must-links which a random split would have between the clusters.
    pub(super) expected_links: f32,
    /// Changes from one to the other in the order of time, others left out.
    pub(super) alternations: usize,
    /// The number of such changes if the members were in random order.
    pub(super) expected_alternations: f32,
    /// Distance of mean spectra in standard deviations within the clusters; 0 if spectra are unknown.
    pub(super) spectral_distance: f32,
}

impl EvidenceRules {
    /// Chosen with CAM++ on the development half (docs/experiments.md).
    pub(super) const CAMPPLUS: Self = Self {
        neutral_straddling: 0.45,
        weight_below: 1.2,
        weight_above: 0.1,
        full_links: 12.0,
        contiguity: [1.0, 0.8, 0.6, 0.4, 0.2],
        few_alternations: 0.05,
        many_alternations: 0.3,
        long_stretches: 5.0,
        stretches_range: 8.0,
        contiguous: 0.05,
        line_change: 0.3,
        spectral_distance: 1.5,
        spectral_range: 1.5,
        full_seconds: 12.0,
        least_distance: 0.18,
    };

    /// Change of the distance that two clusters need to be two speakers. `shorter` is the duration of speech in the shorter
    /// cluster, in seconds.
    pub(super) fn change(&self, evidence: &PairEvidence, shorter: f32) -> f32 {
        let contiguity = self.contiguity(evidence, shorter);
        let beyond = evidence.straddling.min(MAX_STRADDLING) - self.neutral_straddling;
        let sure = (evidence.expected_links / self.full_links).min(1.0);
        // Windows also separate the parts of a voice before and after a change of line, so links count less there.
        let links =
            sure * if beyond < 0.0 { self.weight_below * beyond * (1.0 - contiguity) } else { self.weight_above * beyond };
        let line = ((evidence.spectral_distance - self.spectral_distance) / self.spectral_range).clamp(0.0, 1.0);
        let long = (shorter / self.full_seconds).min(1.0);
        links + (self.contiguous + self.line_change * line) * contiguity * long
    }

    /// From 0 for clusters that alternate to 1 for those that follow one another, by the rule that sees most of it: a minute of two
    /// people has few alternations too, and a changed line may change back several times in an hour.
    fn contiguity(&self, evidence: &PairEvidence, shorter: f32) -> f32 {
        if evidence.alternations == 0 {
            return 0.0;
        }
        let count = evidence.alternations as f32;
        let by_count = self.contiguity.get(evidence.alternations - 1).copied().unwrap_or(0.0);
        let share = count / evidence.expected_alternations.max(f32::MIN_POSITIVE);
        let by_share = (self.many_alternations - share) / (self.many_alternations - self.few_alternations);
        let by_length = (shorter / count - self.long_stretches) / self.stretches_range;
        by_share.max(by_length).clamp(by_count, 1.0)
    }
}

/// Observations about all pairs of clusters.
pub(super) struct EvidenceTable {
    clusters: usize,
    links: Vec<f32>,
    members: Vec<usize>,
    alternations: Vec<usize>,
    mean_spectra: Vec<Vec<f32>>,
    /// Sum over members and bands of squared deviations from the mean spectrum.
    deviations: Vec<f32>,
}

impl EvidenceTable {
    /// Collects the observations. `constraints` and `spectra` are those of the labelled subsegments, which are in the
    /// order of time; `spectra` may be empty.
    pub(super) fn of(labels: &[usize], clusters: usize, constraints: &[Vec<(usize, f32)>], spectra: &[Vec<f32>]) -> Self {
        let mut table = Self {
            clusters,
            links: vec![0.0; clusters * clusters],
            members: vec![0; clusters],
            alternations: vec![0; clusters * clusters],
            mean_spectra: vec![vec![0.0; spectra.first().map_or(0, Vec::len)]; clusters],
            deviations: vec![0.0; clusters],
        };
        // For each pair, which of the two came last.
        let mut latest: Vec<Option<usize>> = vec![None; clusters * clusters];
        for (subsegment, label) in labels.iter().enumerate() {
            table.members[*label] += 1;
            for (other, _) in constraints[subsegment].iter().filter(|(_, constraint)| *constraint > SURE_MUST_LINK) {
                table.links[label * clusters + labels[*other]] += 1.0;
            }
            for other in (0..clusters).filter(|other| other != label) {
                let pair = label.min(&other) * clusters + label.max(&other);
                table.alternations[pair] += usize::from(latest[pair] == Some(other));
                latest[pair] = Some(*label);
            }
        }
        table.add_spectra(labels, spectra);
        table
    }

    fn add_spectra(&mut self, labels: &[usize], spectra: &[Vec<f32>]) {
        for (spectrum, label) in spectra.iter().zip(labels) {
            self.mean_spectra[*label].iter_mut().zip(spectrum).for_each(|(sum, value)| *sum += value);
        }
        for (spectrum, members) in self.mean_spectra.iter_mut().zip(&self.members) {
            for sum in spectrum {
                *sum /= (*members).max(1) as f32;
            }
        }
        for (spectrum, label) in spectra.iter().zip(labels) {
            self.deviations[*label] += squared_distance(spectrum, &self.mean_spectra[*label]);
        }
    }

    /// Observations about two different clusters.
    pub(super) fn between(&self, one: usize, other: usize) -> PairEvidence {
        let links = |from: usize, to: usize| self.links[from * self.clusters + to];
        // Links within a cluster are counted from both ends.
        let (straddling, inside) = (links(one, other), f32::midpoint(links(one, one), links(other, other)));
        let all = (self.members[one] + self.members[other]) as f32;
        let share = self.members[one] as f32 / all.max(1.0);
        let expected_links = (straddling + inside) * 2.0 * share * (1.0 - share);
        let spread = (self.deviations[one] + self.deviations[other]) / all.max(1.0);
        let apart = squared_distance(&self.mean_spectra[one], &self.mean_spectra[other]);
        PairEvidence {
            straddling: straddling / expected_links.max(f32::MIN_POSITIVE),
            expected_links,
            alternations: self.alternations[one.min(other) * self.clusters + one.max(other)],
            expected_alternations: all * 2.0 * share * (1.0 - share),
            spectral_distance: (apart / spread.max(1e-6)).sqrt(),
        }
    }
}

fn squared_distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of `count` subsegments linked to the next two.
    fn linked_to_the_next(count: usize, links: impl Fn(usize, usize) -> f32) -> Vec<Vec<(usize, f32)>> {
        let near = |one: usize| (one.saturating_sub(2)..(one + 3).min(count)).filter(move |other| *other != one);
        (0..count).map(|one| near(one).map(|other| (other, links(one, other))).collect()).collect()
    }

    fn evidence(labels: &[usize], constraints: &[Vec<(usize, f32)>], spectra: &[Vec<f32>]) -> PairEvidence {
        EvidenceTable::of(labels, 2, constraints, spectra).between(1, 0)
    }

    #[test]
    fn windows_that_mix_two_clusters_speak_for_one_voice() {
        let labels: Vec<usize> = (0..40).map(|index| index % 2).collect();
        let mixed = evidence(&labels, &linked_to_the_next(40, |_, _| 1.0), &[]);
        let separate =
            evidence(&labels, &linked_to_the_next(40, |one, other| if (one + other) % 2 == 0 { 1.0 } else { -1.0 }), &[]);
        assert!(mixed.straddling > 1.0 && separate.straddling < 1e-6, "{mixed:?} {separate:?}");
        let rules = EvidenceRules::CAMPPLUS;
        assert!(rules.change(&mixed, 30.0) > 0.0);
        assert!((rules.change(&separate, 30.0) - -1.2 * 0.45).abs() < 1e-6);
    }

    #[test]
    fn few_links_say_little() {
        let labels = [0, 1, 0, 1];
        let separate =
            evidence(&labels, &linked_to_the_next(4, |one, other| if (one + other) % 2 == 0 { 1.0 } else { -1.0 }), &[]);
        assert!((separate.expected_links - 1.0).abs() < 1e-6, "{separate:?}");
        let rules = EvidenceRules::CAMPPLUS;
        let links = -1.2 * 0.45 * (1.0 - rules.contiguity[2]) / rules.full_links;
        let expected = links + rules.contiguous * rules.contiguity[2] * 4.0 / rules.full_seconds;
        assert!((rules.change(&separate, 4.0) - expected).abs() < 1e-6);
    }

    #[test]
    fn alternations_are_counted_without_third_speakers() {
        let table = EvidenceTable::of(&[0, 0, 2, 1, 2, 1, 0, 2], 3, &vec![Vec::new(); 8], &[]);
        assert_eq!([(0, 1), (0, 2), (1, 2)].map(|(one, other)| table.between(one, other).alternations), [2, 3, 4]);
    }

    #[test]
    fn a_voice_whose_line_changes_once_needs_a_larger_distance() {
        let labels: Vec<usize> = (0..20).map(|index| index / 10).collect();
        let spectra =
            |step: f32| -> Vec<Vec<f32>> { (0..20).map(|index| vec![(index % 2) as f32, (index / 10) as f32 * step]).collect() };
        let constraints = vec![Vec::new(); 20];
        let same_line = evidence(&labels, &constraints, &spectra(0.0));
        let other_line = evidence(&labels, &constraints, &spectra(3.0));
        assert_eq!(same_line.alternations, 1);
        assert!((other_line.spectral_distance - 6.0).abs() < 1e-4, "{other_line:?}");
        let rules = EvidenceRules::CAMPPLUS;
        let whole = rules.contiguous + rules.line_change;
        assert!((rules.change(&same_line, 30.0) - rules.contiguous).abs() < 1e-6);
        assert!((rules.change(&other_line, 30.0) - whole).abs() < 1e-6);
        // Three seconds of another voice are not a changed line.
        assert!((rules.change(&other_line, 3.0) - whole * 3.0 / rules.full_seconds).abs() < 1e-6);
    }

    #[test]
    fn a_line_that_changes_often_in_an_hour_is_no_second_speaker() {
        let rules = EvidenceRules::CAMPPLUS;
        let seen = |labels: &[usize]| evidence(labels, &vec![Vec::new(); labels.len()], &[]);
        // Eight changes, as in a dialogue of half a minute, but each after fifty subsegments.
        let changes = seen(&(0..450).map(|index| index / 50 % 2).collect::<Vec<_>>());
        assert_eq!((changes.alternations, changes.expected_alternations.round()), (8, 222.0));
        assert!((rules.contiguity(&changes, 300.0) - 1.0).abs() < 1e-6);
        let dialogue = seen(&(0..18).map(|index| index / 2 % 2).collect::<Vec<_>>());
        assert_eq!(dialogue.alternations, 8);
        assert!(rules.contiguity(&dialogue, 12.0).abs() < 1e-6);
        // Few changes for the time: forty seconds of each.
        let share = rules.contiguity(&PairEvidence { alternations: 8, expected_alternations: 16.0, ..changes }, 8.0 * 9.0);
        assert!((share - (9.0 - rules.long_stretches) / rules.stretches_range).abs() < 1e-6);
    }
}
