//! Pieces of speech for the diarizer without a segmentation model, their grouping by voice, and who speaks in each. Pure.
//!
//! A piece of a second and a half says little about a voice; all pieces of one person together say much. So pieces are first
//! joined into a few groups, the groups are embedded again as a whole, and only then does a distance decide who is who.
//! At last the most likely course of speakers through time is found (A. Viterbi, 1967), for people do not alternate at random.

use super::linkage::{Dendrogram, Dissimilarities};
use super::voices::nearest_centroid;
use crate::voiceprint::dot;

/// Frames of [`super::activity`], 16 ms each: 1.5 s, every 0.5 s.
pub(super) const LENGTH: usize = 94;
pub(super) const HOP: usize = 31;
/// With more pieces than this an even choice is grouped and the others are assigned.
const MOST_GROUPED: usize = 3000;

/// A stretch of speech short enough to be one person's, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Which stretch of speech it was cut from.
    pub(super) stretch: usize,
}

/// Cuts stretches of speech into overlapping pieces; the last one of each ends with it.
pub(super) fn cut(stretches: &[(usize, usize)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (stretch, (start, end)) in stretches.iter().copied().enumerate() {
        if end - start <= LENGTH {
            pieces.push(Piece { start, end, stretch });
            continue;
        }
        let last = end - LENGTH;
        let starts = (start..last).step_by(HOP).chain([last]);
        pieces.extend(starts.map(|start| Piece { start, end: start + LENGTH, stretch }));
    }
    pieces
}

/// Joins pieces into at most `most` groups by their voices; none for pieces without a vector.
pub(super) fn group(vectors: &[Option<Vec<f32>>], most: usize, nearest: f32) -> Vec<Option<usize>> {
    let known: Vec<usize> = (0..vectors.len()).filter(|index| vectors[*index].is_some()).collect();
    let stride = known.len().div_ceil(MOST_GROUPED).max(1);
    let chosen: Vec<usize> = known.iter().copied().step_by(stride).collect();
    let vector = |index: usize| vectors[chosen[index]].as_deref().unwrap_or_default();
    let tree = Dendrogram::average(Dissimilarities::from_fn(chosen.len(), |one, other| 1.0 - dot(vector(one), vector(other))));
    let by_height = tree.cut_at(nearest);
    let labels = if by_height.iter().max().is_some_and(|highest| *highest >= most) { tree.cut_into(most) } else { by_height };
    let mut groups = vec![None; vectors.len()];
    for (index, label) in chosen.into_iter().zip(labels) {
        groups[index] = Some(label);
    }
    groups
}

/// Of each piece the person most likely speaking, when changing costs `penalty` inside a stretch and a part of it between
/// stretches. `centres` holds one voice for each person.
pub(super) fn most_likely(
    pieces: &[Piece],
    vectors: &[Option<Vec<f32>>],
    centres: &[Vec<f32>],
    penalty: f32,
    pause: f32,
) -> Vec<usize> {
    let persons = centres.len();
    if persons <= 1 || pieces.is_empty() {
        return vec![0; pieces.len()];
    }
    let score = |piece: usize, person: usize| vectors[piece].as_deref().map_or(0.0, |vector| dot(vector, &centres[person]));
    let mut sums: Vec<f32> = (0..persons).map(|person| score(0, person)).collect();
    let mut from: Vec<Vec<usize>> = vec![(0..persons).collect()];
    for piece in 1..pieces.len() {
        let cost = if pieces[piece].stretch == pieces[piece - 1].stretch { penalty } else { penalty * pause };
        let best = (0..persons).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0);
        let before = |person: usize| if sums[best] - cost > sums[person] { best } else { person };
        let came: Vec<usize> = (0..persons).map(before).collect();
        sums = (0..persons)
            .map(|person| {
                let changed = if came[person] == person { 0.0 } else { cost };
                sums[came[person]] - changed + score(piece, person)
            })
            .collect();
        from.push(came);
    }
    let mut person = (0..persons).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0);
    let mut course = vec![0; pieces.len()];
    for piece in (0..pieces.len()).rev() {
        course[piece] = person;
        person = from[piece][person];
    }
    course
}

/// Joins the two most similar of the groups while they are at least `alike`, or while there are more than `most`, but never
/// below `least`. `embed` gives the voice of a set of groups taken together. Which person each group is.
pub(super) fn join_groups<E>(
    groups: usize,
    (least, most): (usize, usize),
    alike: f32,
    mut embed: impl FnMut(&[usize]) -> Result<Vec<f32>, E>,
) -> Result<Vec<Vec<usize>>, E> {
    let mut persons: Vec<Vec<usize>> = (0..groups).map(|group| vec![group]).collect();
    let mut voices: Vec<Vec<f32>> = Vec::with_capacity(groups);
    for person in &persons {
        voices.push(embed(person)?);
    }
    while persons.len() > least.max(1) {
        let mut best = (0, 0, f32::NEG_INFINITY);
        for one in 0..voices.len() {
            for other in one + 1..voices.len() {
                let similarity = dot(&voices[one], &voices[other]);
                if similarity > best.2 {
                    best = (one, other, similarity);
                }
            }
        }
        if best.2 < alike && persons.len() <= most {
            break;
        }
        let gone = persons.remove(best.1);
        voices.remove(best.1);
        persons[best.0].extend(gone);
        voices[best.0] = embed(&persons[best.0])?;
    }
    Ok(persons)
}

/// For a group that is too small to be anyone: the person it goes to.
pub(super) fn nearest_other(voices: &[Vec<f32>], group: usize) -> usize {
    let others: Vec<Vec<f32>> =
        voices.iter().enumerate().filter(|(index, _)| *index != group).map(|(_, voice)| voice.clone()).collect();
    let nearest = nearest_centroid(&others, &voices[group]);
    nearest + usize::from(nearest >= group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_stretch() {
        let pieces = cut(&[(10, 50), (100, 300)]);
        assert_eq!(pieces[0], Piece { start: 10, end: 50, stretch: 0 });
        assert_eq!((pieces[1].start, pieces.last().unwrap().end), (100, 300));
        assert!(pieces[1..].windows(2).all(|pair| pair[1].start <= pair[0].start + HOP));
    }

    #[test]
    fn a_single_odd_piece_is_not_a_change_of_speaker() {
        let pieces = cut(&[(0, 500)]);
        let mut vectors: Vec<Option<Vec<f32>>> = vec![Some(vec![1.0, 0.0]); pieces.len()];
        vectors[3] = Some(vec![0.6, 0.8]);
        let centres = [vec![1.0, 0.0], vec![0.0, 1.0]];
        assert!(most_likely(&pieces, &vectors, &centres, 0.5, 0.5).iter().all(|person| *person == 0));
        for vector in &mut vectors[7..] {
            *vector = Some(vec![0.0, 1.0]);
        }
        let course = most_likely(&pieces, &vectors, &centres, 0.5, 0.5);
        assert_eq!(course.iter().position(|person| *person == 1), Some(7));
    }

    #[test]
    fn groups_are_joined_while_alike_and_down_to_the_given_number() {
        let voices = [vec![1.0, 0.0], vec![0.9, 0.43], vec![0.0, 1.0]];
        let join = |bounds, alike| join_groups(3, bounds, alike, |groups| Ok::<_, ()>(voices[groups[0]].clone())).unwrap().len();
        assert_eq!(join((1, 20), 0.8), 2);
        assert_eq!(join((3, 3), 0.0), 3);
        assert_eq!(join((1, 1), 2.0), 1);
    }
}
