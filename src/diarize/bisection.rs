//! Divides one cluster into the two groups of voices that differ most. Pure.
//!
//! Average linkage merges two people of similar voices on one line before their centroids can be compared. A division of
//! the whole cluster shows them.

use super::clusters::Clusters;
use crate::voiceprint::{dot, normalize};

/// Iterations of the power method for the direction of the largest variance. Groups that matter dominate the variance, so
/// this converges quickly for them.
const POWER_ITERATIONS: usize = 30;
/// Maximum iterations of reassigning members to the halves.
const ROUNDS: usize = 20;
/// Minimum members and seconds of a half.
const MIN_MEMBERS: usize = 6;
const MIN_SECONDS: f32 = 3.0;
/// Distance of the halves, as a multiple of what two speakers need, above which a cluster is divided.
const CERTAINTY: f32 = 1.03;
/// Maximum divisions in one recording.
const MAX_DIVISIONS: usize = 8;

impl Clusters<'_> {
    /// Divides clusters, the most certain division first, as long as the halves are two speakers by the rules by which
    /// clusters are merged. Stops at `max` clusters.
    pub(super) fn divide(&mut self, min: usize, max: usize) {
        for _ in 0..MAX_DIVISIONS {
            if self.count() >= max {
                break;
            }
            let Some(labels) = self.best_division() else { break };
            let before = self.count();
            let previous = std::mem::replace(&mut self.labels, labels);
            self.reassign();
            self.merge(min, max);
            if self.count() <= before {
                self.labels = previous;
                break;
            }
        }
    }

    /// Labels after the most certain division of one cluster; `None` if no cluster holds two speakers.
    fn best_division(&self) -> Option<Vec<usize>> {
        let divisions = (0..self.count()).filter_map(|cluster| {
            let members: Vec<usize> = (0..self.labels.len()).filter(|member| self.labels[*member] == cluster).collect();
            let (halves, certainty) = self.halves(&members)?;
            Some((members, halves, certainty))
        });
        let (members, halves, _) = divisions.max_by(|one, other| one.2.total_cmp(&other.2))?;
        let mut labels = self.labels.clone();
        for (member, half) in members.iter().zip(halves) {
            if half == 1 {
                labels[*member] = self.count();
            }
        }
        Some(labels)
    }

    /// The half of each member, 0 or 1, and the distance of the halves as a multiple of what two speakers need.
    fn halves(&self, members: &[usize]) -> Option<(Vec<usize>, f32)> {
        if members.len() < 2 * MIN_MEMBERS {
            return None;
        }
        let mut places = vec![None; self.labels.len()];
        members.iter().enumerate().for_each(|(place, member)| places[*member] = Some(place));
        let vectors: Vec<&[f32]> = members.iter().map(|member| self.vectors[*member]).collect();
        let seconds: Vec<f32> = members.iter().map(|member| self.seconds[*member]).collect();
        let spectra: Vec<Vec<f32>> = members.iter().filter_map(|member| self.spectra.get(*member).cloned()).collect();
        let among = |member: &usize| {
            self.constraints[*member].iter().filter_map(|(other, constraint)| Some((places[*other]?, *constraint))).collect()
        };
        let constraints: Vec<Vec<(usize, f32)>> = members.iter().map(among).collect();
        let labels = by_largest_variance(&vectors, &seconds);
        let mut halves = Clusters {
            vectors: &vectors,
            seconds: &seconds,
            constraints: &constraints,
            spectra: &spectra,
            thresholds: self.thresholds,
            labels,
        };
        if halves.count() < 2 {
            return None;
        }
        halves.reassign_repeatedly(ROUNDS);
        for half in 0..2 {
            let of_half = || (0..members.len()).filter(|member| halves.labels[*member] == half);
            if of_half().count() < MIN_MEMBERS || of_half().map(|member| seconds[member]).sum::<f32>() < MIN_SECONDS {
                return None;
            }
        }
        let distance = halves.pairs().first()?.relative_distance;
        (distance > CERTAINTY).then_some((halves.labels, distance))
    }
}

/// The side of each vector, 0 or 1, of the mean along the direction of the largest variance.
fn by_largest_variance(vectors: &[&[f32]], seconds: &[f32]) -> Vec<usize> {
    let total: f32 = seconds.iter().sum();
    let mut mean = vec![0.0; vectors.first().map_or(0, |vector| vector.len())];
    for (vector, seconds) in vectors.iter().zip(seconds) {
        mean.iter_mut().zip(*vector).for_each(|(sum, value)| *sum += value * seconds / total.max(f32::MIN_POSITIVE));
    }
    let centred: Vec<Vec<f32>> =
        vectors.iter().map(|vector| vector.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect();
    let furthest = centred.iter().max_by(|one, other| dot(one, one).total_cmp(&dot(other, other)));
    let mut direction = furthest.cloned().unwrap_or_default();
    for _ in 0..POWER_ITERATIONS {
        let mut next = vec![0.0; direction.len()];
        for (vector, seconds) in centred.iter().zip(seconds) {
            let projection = dot(vector, &direction) * seconds;
            next.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value * projection);
        }
        if !normalize(&mut next) {
            break;
        }
        direction = next;
    }
    centred.iter().map(|vector| usize::from(dot(vector, &direction) > 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::calibration::Calibration;
    use super::*;
    use crate::voiceprint::{FbankOptions, FbankWindow, FeatureKind};

    /// Unit vectors around the direction `angle` that differ from each other in dimensions of their own.
    fn voice(angle: f32, index: usize) -> Vec<f32> {
        let mut vector = vec![0.0; 20];
        vector[0] = angle.cos();
        vector[1] = angle.sin();
        vector[2 + index % 18] = 0.6;
        normalize(&mut vector);
        vector
    }

    /// Labels after division of one cluster, with links between neighbours of one `person`.
    fn divided(voices: &[Vec<f32>], person: impl Fn(usize) -> usize) -> Vec<usize> {
        let vectors: Vec<&[f32]> = voices.iter().map(Vec::as_slice).collect();
        let count = vectors.len();
        let link = |one: usize, other: usize| if person(one) == person(other) { 1.0 } else { -1.0 };
        let near = |one: usize| (one.saturating_sub(3)..(one + 4).min(count)).filter(move |other| *other != one);
        let constraints: Vec<Vec<(usize, f32)>> =
            (0..count).map(|one| near(one).map(|other| (other, link(one, other))).collect()).collect();
        let thresholds = Calibration::of(FeatureKind::Fbank80(FbankOptions { window: FbankWindow::Povey, sixteen_bit: false }))
            .thresholds(&mut [], &mut []);
        let mut clusters = Clusters {
            vectors: &vectors,
            seconds: &vec![2.0; count],
            constraints: &constraints,
            spectra: &[],
            thresholds,
            labels: vec![0; count],
        };
        clusters.divide(1, 9);
        clusters.labels
    }

    #[test]
    fn two_people_of_similar_voices_who_alternate_are_divided() {
        let person = |index: usize| index / 3 % 2;
        let voices: Vec<Vec<f32>> = (0..48).map(|index| voice(0.7 * person(index) as f32, index)).collect();
        let labels = divided(&voices, person);
        assert!((0..48).all(|index| (labels[index] == labels[0]) == (person(index) == 0)), "{labels:?}");
    }

    #[test]
    fn one_voice_of_two_moods_is_not_divided() {
        let mood = |index: usize| index / 3 % 2;
        let voices: Vec<Vec<f32>> = (0..48).map(|index| voice(0.7 * mood(index) as f32, index)).collect();
        assert_eq!(divided(&voices, |_| 0), [0; 48]);
    }

    #[test]
    fn a_few_seconds_are_not_divided() {
        let voices: Vec<Vec<f32>> = (0..11).map(|index| voice(index as f32 % 2.0, index)).collect();
        assert_eq!(divided(&voices, |index| index % 2), [0; 11]);
    }
}
