//! What distances of voiceprints mean, for each kind of speaker model and in each recording, and centres of groups of them. Pure.

use crate::voiceprint::{FeatureKind, dot, normalize};

/// Pairs of each kind that the distances of a recording are judged by.
const FEWEST_PAIRS: usize = 5;
/// The median distance (1 - cosine) of two people in one window that [`Rules::USUAL`] was chosen with.
const USUAL_CONTRAST: f32 = 0.85;
/// A recording brings all its voices together by so much at most, and apart by so much: what is outside are no voices.
const CONTRASTS: (f32, f32) = (0.05, 1.2);
/// Two people whom windows are sure of are at least so far apart, or the windows are wrong: noise and echoes can make them hear two in
/// one voice. In recordings of several people it is 0.35 and more with GE2E.
const LEAST_CONTRAST: f32 = 0.15;
/// What a distance may be between two groups' centres that are one person, whatever the recording says.
const APART: (f32, f32) = (0.03, 0.7);

/// What the distances of one speaker model mean where nothing else is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calibration {
    /// Centres of groups further apart than this are different persons.
    apart: f32,
    /// Where that lies between "one voice" and "two voices" when the recording itself says how far apart they are, 0 to 1.
    between: f32,
    /// How much the recording's own distances count against the fixed one.
    own_share: f32,
}

impl Calibration {
    /// As chosen on recordings other than the tests' (docs/models.md).
    pub(super) const fn of(kind: FeatureKind) -> Self {
        match kind {
            FeatureKind::Mfcc40 => Self { apart: 0.35, between: 0.5, own_share: 1.0 },
            // Of the second kind there is no model to measure here: distances of trained ones lie as GE2E's do.
            FeatureKind::Mel40 | FeatureKind::Fbank80(_) => Self { apart: 0.30, between: 0.45, own_share: 0.5 },
        }
    }

    /// The rules for a recording, from the distances of stretches that the segmentation is sure are one person (`same`) or two
    /// (`different`).
    ///
    /// A narrow band, a common line or a room bring all voices of a recording together, those of one person as well; all rules
    /// are scaled with that. The distance of two stretches holds the noise of both; that of centres of many stretches does not:
    /// with cosines, `1 - different` is the cosine of the voices times that of two stretches of one voice.
    pub(super) fn rules(&self, same: &mut [f32], different: &mut [f32]) -> Rules {
        let mut rules = Rules { apart: self.apart, ..Rules::USUAL };
        if same.len() < FEWEST_PAIRS || different.len() < FEWEST_PAIRS {
            return rules;
        }
        let (same, different) = (median(same).min(0.9), median(different));
        let voices = 1.0 - (1.0 - different) / (1.0 - same);
        if voices < LEAST_CONTRAST {
            return Rules { parted: 0.0, group_links: 0.0, ..rules };
        }
        let own = self.between * voices;
        rules.apart = (self.own_share * own + (1.0 - self.own_share) * self.apart).clamp(APART.0, APART.1);
        let scale = (different / USUAL_CONTRAST).clamp(CONTRASTS.0, CONTRASTS.1);
        for rule in [&mut rules.pure, &mut rules.linked, &mut rules.parted, &mut rules.per_second, &mut rules.group_links] {
            *rule *= scale;
        }
        rules
    }
}

/// The distances (1 - cosine) that stretches and groups of one recording are put together by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// Centres of long groups further apart than this are different persons.
    pub(super) apart: f32,
    /// How much further, in distance times seconds, the shorter of two groups has to be: short speech has an unsure voice.
    pub(super) per_second: f32,
    /// Stretches nearer than this on average are put together before centres are looked at.
    pub(super) pure: f32,
    /// How much nearer stretches count that windows take for one person...
    pub(super) linked: f32,
    /// ...and how much further those that windows take for two.
    pub(super) parted: f32,
    /// The same, for two groups.
    pub(super) group_links: f32,
}

impl Rules {
    /// For voices as far apart as they mostly are.
    const USUAL: Self = Self { apart: 0.3, per_second: 0.4, pure: 0.45, linked: 0.1, parted: 0.3, group_links: 0.15 };
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
            // A little for each, so that the shortest have a say too.
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

    #[test]
    fn windows_that_hear_two_people_in_one_voice_are_not_believed() {
        let calibration = Calibration { apart: 0.3, between: 0.5, own_share: 0.5 };
        let rules = calibration.rules(&mut [0.41; 5], &mut [0.40; 5]);
        assert_eq!(rules, Rules { apart: 0.3, parted: 0.0, group_links: 0.0, ..Rules::USUAL });
    }

    #[test]
    fn the_rules_follow_the_recording_when_it_says_enough() {
        let calibration = Calibration { apart: 0.3, between: 0.5, own_share: 0.5 };
        assert_eq!(calibration.rules(&mut [0.2; 4], &mut [0.6; 5]), Rules { apart: 0.3, ..Rules::USUAL });
        // Two voices are 1 - 0.4 / 0.8 = 0.5 apart, half of that is 0.25, and halfway to 0.3.
        let rules = calibration.rules(&mut [0.2; 5], &mut [0.6; 5]);
        assert!((rules.apart - 0.275).abs() < 1e-6);
        assert!((rules.pure - Rules::USUAL.pure * 0.6 / USUAL_CONTRAST).abs() < 1e-6);
    }
}
