//! Who speaks in each piece, for every number of persons, and which number is right. Pure.
//!
//! Pieces are grouped far too finely, then the two groups that are most likely one person are joined, again and again; between
//! two joinings the most likely course of persons through time is found (A. Viterbi, 1967), for people do not alternate at
//! random. Of all the courses that one is taken that has the most persons who are still told apart.

use super::SpeakerCount;
use super::activity::FRAME;
use super::sliding::{HOP, Voiced, group, squared_distance};
use crate::audio::SAMPLE_RATE;
use crate::voiceprint::{dot, normalize};

/// Groups to begin with: more than there are people, few enough to have seconds of speech each.
const FIRST_GROUPS: usize = 8;
/// Times that course and centres are found from each other.
const ROUNDS: usize = 6;
/// A vector counts as so many independent measurements, and pieces overlap threefold; in natural logarithms of likelihood.
const MEASUREMENTS: f32 = 16.0 / 3.0;
/// What a change of person costs inside a stretch of speech, and between two.
const CHANGE: f32 = 4.0;
const CHANGE_AT_PAUSE: f32 = 2.0;
/// Seconds of speech that a piece adds to the one before.
const HOP_SECONDS: f32 = (HOP * FRAME) as f32 / SAMPLE_RATE as f32;
/// With fewer pieces (2.5 s, or a small part of a long recording) a person is hardly told from a noise or an odd moment.
const FEWEST_PIECES: f32 = 4.0;
const FEWEST_SHARE: f32 = 0.03;

/// How far apart (1 - cosine) the centres of two people are at least: so many times how much one voice varies in this recording,
/// since a narrow band or a common line brings all voices together, that of one person as well ...
const APART_PER_SPREAD: f32 = 0.8;
/// ... and so much more, in distance times seconds, the less is heard of the one who says less. Both as chosen on made
/// conversations and our sample calls, with both kinds of voiceprint (docs/diarization.md).
const APART_PER_SECOND: f32 = 0.2;

/// One way to see a recording: of each piece the person.
#[derive(Debug, Clone, PartialEq)]
struct Course {
    persons: Vec<usize>,
    /// How well the two most similar persons are told apart; 1 is just enough.
    separation: f32,
}

/// Of each piece the person that speaks, numbered from 0 without gaps.
pub(super) fn most_likely_persons(voiced: &[Voiced], spread: f32, count: SpeakerCount) -> Vec<usize> {
    let mut courses = courses(voiced, spread, FIRST_GROUPS.max(count.min + 2));
    // From many persons to few.
    courses.retain(|course| number(&course.persons) <= count.max);
    let right = courses.iter().find(|course| number(&course.persons) <= count.min || course.separation >= 1.0);
    // With at least `min` wanted, and nothing there but fewer, the one with the most.
    right.or(courses.first()).map_or_else(|| vec![0; voiced.len()], |course| course.persons.clone())
}

/// One course for each number of persons, from many to one.
fn courses(voiced: &[Voiced], spread: f32, first_groups: usize) -> Vec<Course> {
    let mut persons = group(voiced, first_groups);
    let mut courses = Vec::new();
    while !voiced.is_empty() {
        persons = settle(voiced, persons, spread);
        let centres = centres(voiced, &persons);
        let Some((one, other, separation)) = closest(&persons, &centres, spread) else {
            courses.push(Course { persons, separation: f32::INFINITY });
            break;
        };
        courses.push(Course { persons: persons.clone(), separation });
        for person in &mut persons {
            if *person == other {
                *person = one;
            }
        }
    }
    courses
}

/// Finds course and centres from each other until neither changes; persons that no piece is left for are gone.
fn settle(voiced: &[Voiced], mut persons: Vec<usize>, spread: f32) -> Vec<usize> {
    renumber(&mut persons);
    for _ in 0..ROUNDS {
        let mut better = course_through(voiced, &centres(voiced, &persons), spread);
        renumber(&mut better);
        if better == persons {
            break;
        }
        persons = better;
    }
    persons
}

/// The most likely course: each piece should be near its person's centre, and changes cost.
fn course_through(voiced: &[Voiced], centres: &[Vec<f32>], spread: f32) -> Vec<usize> {
    let persons = centres.len();
    let fit =
        |piece: usize, person: usize| -MEASUREMENTS * squared_distance(&voiced[piece].vector, &centres[person]) / (2.0 * spread);
    let best_of = |sums: &[f32]| (0..sums.len()).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0);
    let mut sums: Vec<f32> = (0..persons).map(|person| fit(0, person)).collect();
    let mut before: Vec<Vec<usize>> = vec![(0..persons).collect()];
    for piece in 1..voiced.len() {
        let inside = voiced[piece].piece.stretch == voiced[piece - 1].piece.stretch;
        let cost = if inside { CHANGE } else { CHANGE_AT_PAUSE };
        let best = best_of(&sums);
        let came: Vec<usize> = (0..persons).map(|person| if sums[best] - cost > sums[person] { best } else { person }).collect();
        let sum = |person: usize| sums[came[person]] - if came[person] == person { 0.0 } else { cost } + fit(piece, person);
        sums = (0..persons).map(sum).collect();
        before.push(came);
    }
    let mut person = best_of(&sums);
    let mut course = vec![0; voiced.len()];
    for (place, came) in course.iter_mut().zip(&before).rev() {
        *place = person;
        person = came[person];
    }
    course
}

/// The two persons that are told apart worst, and how well that still is.
fn closest(persons: &[usize], centres: &[Vec<f32>], spread: f32) -> Option<(usize, usize, f32)> {
    let mut pieces = vec![0.0_f32; centres.len()];
    for person in persons {
        pieces[*person] += 1.0;
    }
    let fewest = FEWEST_PIECES.max(FEWEST_SHARE * persons.len() as f32);
    let voices: Vec<Vec<f32>> = centres.iter().map(|centre| normalized(centre)).collect();
    let separation = |one: usize, other: usize| {
        let shorter = pieces[one].min(pieces[other]);
        let least = APART_PER_SPREAD * spread + APART_PER_SECOND / (shorter * HOP_SECONDS);
        (shorter / fewest).min(1.0) * (1.0 - dot(&voices[one], &voices[other])) / least
    };
    let pairs = (0..centres.len()).flat_map(|one| (one + 1..centres.len()).map(move |other| (one, other)));
    pairs.map(|(one, other)| (one, other, separation(one, other))).min_by(|a, b| a.2.total_cmp(&b.2))
}

fn normalized(centre: &[f32]) -> Vec<f32> {
    let mut voice = centre.to_vec();
    normalize(&mut voice);
    voice
}

/// The mean vector of each person's pieces.
pub(super) fn centres(voiced: &[Voiced], persons: &[usize]) -> Vec<Vec<f32>> {
    let dimension = voiced.first().map_or(0, |voiced| voiced.vector.len());
    let mut sums = vec![vec![0.0; dimension]; number(persons)];
    let mut sizes = vec![0.0_f32; sums.len()];
    for (voiced, person) in voiced.iter().zip(persons) {
        sizes[*person] += 1.0;
        for (sum, value) in sums[*person].iter_mut().zip(&voiced.vector) {
            *sum += value;
        }
    }
    for (sum, size) in sums.iter_mut().zip(sizes) {
        for value in sum {
            *value /= size.max(1.0);
        }
    }
    sums
}

fn number(persons: &[usize]) -> usize {
    persons.iter().max().map_or(0, |most| most + 1)
}

/// Closes the gaps in the numbers, in order of first occurrence.
fn renumber(persons: &mut [usize]) {
    let mut names: Vec<usize> = Vec::new();
    for person in persons {
        let place = names.iter().position(|name| name == person);
        *person = place.unwrap_or_else(|| {
            names.push(*person);
            names.len() - 1
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sliding::{cut, spread};
    use super::*;

    /// Noise without a pattern, -0.5 to 0.5 (S. Vigna's splitmix64).
    fn noise(seed: u64) -> f32 {
        let mut value = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((value ^ (value >> 31)) >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    /// Pieces of stretches of three seconds, whose voices alternate as told, with a little noise.
    fn conversation(course: &[usize]) -> Vec<Voiced> {
        let stretches: Vec<(usize, usize)> = (0..course.len()).map(|index| (index * 250, index * 250 + 190)).collect();
        let voice = |index: usize, person: usize| {
            (0..6).map(|axis| if axis == person { 1.0 } else { 0.0 } + 0.6 * noise((index * 6 + axis) as u64)).collect()
        };
        let pieces = cut(&stretches).into_iter().enumerate();
        pieces.map(|(index, piece)| Voiced { piece, vector: voice(index, course[piece.stretch]) }).collect()
    }

    fn persons(course: &[usize], count: SpeakerCount) -> Vec<usize> {
        let voiced = conversation(course);
        let found = most_likely_persons(&voiced, spread(&voiced), count);
        let mut of_stretches = vec![usize::MAX; course.len()];
        for (voiced, person) in voiced.iter().zip(found) {
            of_stretches[voiced.piece.stretch] = person;
        }
        of_stretches
    }

    #[test]
    fn people_who_alternate_are_told_apart_and_one_voice_is_left_whole() {
        let dialogue = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1];
        assert_eq!(persons(&dialogue, SpeakerCount::UNKNOWN), dialogue);
        let three = [0, 1, 2, 1, 0, 2, 1, 0, 2, 0, 1, 2];
        assert_eq!(persons(&three, SpeakerCount::UNKNOWN), three);
        assert_eq!(persons(&[0; 9], SpeakerCount::UNKNOWN), [0; 9]);
    }

    #[test]
    fn a_given_number_is_kept() {
        let three = [0, 1, 2, 1, 0, 2, 1, 0, 2, 0, 1, 2];
        assert_eq!(persons(&three, SpeakerCount::exactly(3)), three);
        assert_eq!(number(&persons(&three, SpeakerCount::exactly(2))), 2);
        assert_eq!(number(&persons(&three, SpeakerCount::exactly(1))), 1);
    }

    proptest! {
        #[test]
        fn every_piece_has_a_person_and_no_number_is_left_out(
            vectors in prop::collection::vec(prop::collection::vec(-1.0_f32..1.0, 4), 0..60),
            min in 1_usize..4, more in 0_usize..4,
        ) {
            let pieces = cut(&[(0, vectors.len() * 31 + 70)]);
            let voiced: Vec<Voiced> = pieces.into_iter().zip(vectors).map(|(piece, vector)| Voiced { piece, vector }).collect();
            let found = most_likely_persons(&voiced, spread(&voiced), SpeakerCount { min, max: min + more });
            prop_assert_eq!(found.len(), voiced.len());
            prop_assert!(number(&found) <= min + more);
            prop_assert!((0..number(&found)).all(|person| found.contains(&person)));
        }
    }
}
