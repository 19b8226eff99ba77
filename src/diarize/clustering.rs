//! Which stretches are one person, and how many persons there are.
//!
//! Pure. Average linkage on the distance of the voices and the votes of the windows gives groups that are surely one person each;
//! then whole groups are joined by their centres ([`super::groups`]), down to the given number or as long as the recording itself
//! says that they are one voice ([`super::voices`]). Short stretches take no part in that and go to the nearest person afterwards.
//! What other ways were tried, and their error rates, is told in docs/diarization.md.

use super::SpeakerCount;
use super::groups::Groups;
use super::linkage::{Dendrogram, Dissimilarities, Linkage};
use super::links::Links;
use super::stretches::Stretch;
use super::voices::{Calibration, Rules};
use crate::voiceprint::dot;

/// Shorter stretches are not clustered, only given to someone.
const ENOUGH_SECONDS: f32 = 0.8;
/// Stretches at least so long, in seconds, say how far apart voices are in this recording, where the windows are so sure of them.
const TELLING_SECONDS: f32 = 1.0;
const TELLING_VOTE: f32 = 0.7;
/// With more stretches than this an even choice is clustered and the others find their person afterwards: time and memory grow
/// with the square (this many take 18 MB), and an hour has more than a thousand.
const MOST_CLUSTERED: usize = 3000;
/// More groups than this are not compared by their centres: far more than persons speak in a call.
const MOST_GROUPS: usize = 64;
/// Steps in which the first groups are made smaller when fewer were found than persons are wanted.
const FINER: f32 = 0.05;
/// What the votes of its windows and the nearest stretch in time count for a stretch without a voice of its own.
const LINKS: f32 = 0.5;
const NEAREST: f32 = 0.02;

/// The person that speaks in each stretch, persons numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Persons {
    /// Of each stretch.
    pub(super) of: Vec<usize>,
    /// How many there are; at least 1.
    pub(super) count: usize,
}

/// Clusters the stretches of a recording by their voices; a stretch that is too short has none.
pub(super) fn persons(
    stretches: &[Stretch],
    voices: &[Option<Vec<f32>>],
    links: &Links,
    calibration: &Calibration,
    count: SpeakerCount,
) -> Persons {
    let seconds: Vec<f32> = stretches.iter().map(Stretch::seconds).collect();
    let chosen = worth_clustering(&seconds, voices);
    if chosen.is_empty() {
        // Too little for a voiceprint anywhere: one person.
        return Persons { of: vec![0; stretches.len()], count: 1 };
    }
    let vectors: Vec<&[f32]> = chosen.iter().map(|index| voices[*index].as_deref().unwrap_or_default()).collect();
    let lengths: Vec<f32> = chosen.iter().map(|index| seconds[*index]).collect();
    let linked = among(&chosen, links, stretches.len());
    let rules = rules(&vectors, &lengths, &linked, calibration);
    let distances = Dissimilarities::from_fn(chosen.len(), |one, other| {
        let vote = links.vote(chosen[one], chosen[other]);
        1.0 - dot(vectors[one], vectors[other]) - if vote > 0.0 { rules.linked } else { rules.parted } * vote
    });
    let tree = Dendrogram::new(distances, Linkage::Average);
    let labels = first_groups(&tree, rules.pure, count.min);
    let mut groups = Groups { vectors: &vectors, seconds: &lengths, links: &linked, rules, labels };
    groups.dissolve_small(count.min);
    if count.given().is_none() {
        groups.settle();
    }
    groups.join(count.min, count.max);
    if count.given().is_none() {
        groups.dissolve_small(count.min);
    }
    let known = chosen.iter().copied().zip(groups.labels.iter().copied()).collect::<Vec<_>>();
    give_away(stretches, voices, links, &groups.centres(), &known)
}

/// The stretches with enough speech, at most [`MOST_CLUSTERED`], evenly spread.
fn worth_clustering(seconds: &[f32], voices: &[Option<Vec<f32>>]) -> Vec<usize> {
    let known = || (0..seconds.len()).filter(|index| voices[*index].is_some());
    let longest = known().map(|index| seconds[index]).fold(0.0, f32::max);
    let all: Vec<usize> = known().filter(|index| seconds[*index] >= ENOUGH_SECONDS.min(longest)).collect();
    let stride = all.len().div_ceil(MOST_CLUSTERED).max(1);
    all.into_iter().step_by(stride).collect()
}

/// The links among the chosen, by their places in the choice.
fn among(chosen: &[usize], links: &Links, stretches: usize) -> Vec<Vec<(usize, f32)>> {
    let mut places = vec![None; stretches];
    for (place, index) in chosen.iter().enumerate() {
        places[*index] = Some(place);
    }
    let of = |index: &usize| links.of_stretch(*index).iter().filter_map(|(other, vote)| Some((places[*other]?, *vote))).collect();
    chosen.iter().map(of).collect()
}

/// What distances mean in this recording.
fn rules(vectors: &[&[f32]], seconds: &[f32], links: &[Vec<(usize, f32)>], calibration: &Calibration) -> Rules {
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for (one, links) in links.iter().enumerate() {
        for (other, vote) in links.iter().filter(|(other, _)| *other > one) {
            if seconds[one].min(seconds[*other]) < TELLING_SECONDS {
                continue;
            }
            let distance = 1.0 - dot(vectors[one], vectors[*other]);
            if *vote > TELLING_VOTE {
                same.push(distance);
            } else if *vote < -TELLING_VOTE {
                different.push(distance);
            }
        }
    }
    calibration.rules(&mut same, &mut different)
}

/// Groups that are surely one person each: finer ones when there are fewer than persons.
fn first_groups(tree: &Dendrogram, pure: f32, fewest: usize) -> Vec<usize> {
    let number = |labels: &[usize]| labels.iter().max().map_or(0, |most| most + 1);
    let mut height = pure;
    let mut labels = tree.cut_at(height);
    while number(&labels) < fewest && height > -1.0 {
        height -= FINER;
        labels = tree.cut_at(height);
    }
    if number(&labels) < fewest {
        return tree.cut_into(fewest);
    }
    if number(&labels) > MOST_GROUPS.max(fewest) { tree.cut_into(MOST_GROUPS.max(fewest)) } else { labels }
}

/// Gives every stretch that was not clustered to a person: by its voice as far as it has one, by the votes of its windows, and
/// by what is nearest in time.
fn give_away(
    stretches: &[Stretch],
    voices: &[Option<Vec<f32>>],
    links: &Links,
    centres: &[Vec<f32>],
    known: &[(usize, usize)],
) -> Persons {
    let mut of: Vec<Option<usize>> = vec![None; stretches.len()];
    for (index, person) in known {
        of[*index] = Some(*person);
    }
    let clustered = of.clone();
    for (index, stretch) in stretches.iter().enumerate().filter(|(index, _)| clustered[*index].is_none()) {
        let mut scores = vec![0.0_f32; centres.len()];
        if let Some(vector) = &voices[index] {
            let sure = stretch.seconds().min(1.0);
            scores.iter_mut().zip(centres).for_each(|(score, centre)| *score += sure * dot(centre, vector));
        }
        let neighbours: Vec<(usize, f32)> =
            links.of_stretch(index).iter().filter_map(|(other, vote)| Some((clustered[*other]?, *vote))).collect();
        for (person, vote) in &neighbours {
            scores[*person] += LINKS * vote / neighbours.len() as f32;
        }
        let after = known.partition_point(|(other, _)| *other < index);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|place| known.get(place));
        let nearest = near.min_by_key(|(other, _)| stretches[*other].start().abs_diff(stretch.start()));
        if let Some((_, person)) = nearest {
            scores[*person] += NEAREST;
        }
        of[index] = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)));
    }
    Persons { of: of.into_iter().map(Option::unwrap_or_default).collect(), count: centres.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voiceprint::{FeatureKind, normalize};

    /// Stretches of two seconds, a second apart.
    fn stretches(count: usize) -> Vec<Stretch> {
        (0..count).map(|index| Stretch { parts: vec![(index * 177, index * 177 + 118)] }).collect()
    }

    fn voice(angle: f32) -> Vec<f32> {
        let mut vector = vec![angle.cos(), angle.sin(), 0.3];
        normalize(&mut vector);
        vector
    }

    fn cluster(voices: &[Option<Vec<f32>>], count: SpeakerCount) -> Persons {
        let stretches = stretches(voices.len());
        let links = Links::of(stretches.len(), &[]);
        persons(&stretches, voices, &links, &Calibration::of(FeatureKind::Mel40), count)
    }

    #[test]
    fn voices_far_apart_are_persons_and_a_given_count_is_kept() {
        let voices: Vec<_> = (0..12).map(|index| Some(voice(index as f32 % 3.0 * 1.4 + index as f32 * 0.01))).collect();
        assert_eq!(cluster(&voices, SpeakerCount::UNKNOWN).of, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        for count in 1..=5 {
            assert_eq!(cluster(&voices, SpeakerCount::exactly(count)).count, count);
        }
        assert_eq!(cluster(&voices, SpeakerCount { min: 1, max: 2 }).count, 2);
        assert_eq!(cluster(&voices, SpeakerCount { min: 4, max: 9 }).count, 4);
    }

    #[test]
    fn what_has_no_voice_goes_with_its_neighbour() {
        let mut voices: Vec<_> = (0..6).map(|index| Some(voice(index as f32 % 2.0 * 1.4))).collect();
        voices[5] = None;
        assert_eq!(cluster(&voices, SpeakerCount::UNKNOWN).of, [0, 1, 0, 1, 0, 0]);
        assert_eq!(cluster(&[None, None], SpeakerCount::UNKNOWN), Persons { of: vec![0, 0], count: 1 });
    }

    #[test]
    fn of_a_very_long_recording_a_part_is_clustered_and_all_is_given() {
        let voices: Vec<_> = (0..7001).map(|index| Some(voice(index as f32 % 2.0 * 1.4))).collect();
        let found = cluster(&voices, SpeakerCount::UNKNOWN);
        assert!(found.of.iter().enumerate().all(|(index, person)| *person == index % 2));
    }
}
