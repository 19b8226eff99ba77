//! Short pieces of speech, for the diarizer without a segmentation model, and how much the voices of two of them differ when
//! it is one person. Pure.

use super::linkage::{Dendrogram, Dissimilarities, Linkage};

/// Frames of [`super::activity`], 16 ms each: 1.5 s, every 0.5 s. Shorter pieces say too little about a voice, longer ones hold
/// two people too often.
pub(super) const LENGTH: usize = 94;
pub(super) const HOP: usize = 31;
/// So many pieces further on, two of one stretch share nothing.
const APART: usize = 3;
/// With more pieces than this an even choice is grouped and the others find their group afterwards: time and memory grow with
/// the square (this many take 18 MB), and an hour has thousands.
const MOST_GROUPED: usize = 3000;

/// A stretch of speech short enough to be one person's, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Which stretch of speech it was cut from.
    pub(super) stretch: usize,
}

/// A piece and its voice.
#[derive(Debug, Clone)]
pub(super) struct Voiced {
    pub(super) piece: Piece,
    pub(super) vector: Vec<f32>,
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

/// The square of the distance.
pub(super) fn squared_distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The variance of one person's pieces, from neighbours in one stretch that share no sample: mostly one person's. It makes all
/// later decisions relative: a narrow band or a common line brings all voices of a recording together, this as well.
pub(super) fn spread(voiced: &[Voiced]) -> f32 {
    let whole = |voiced: &&Voiced| voiced.piece.end - voiced.piece.start >= LENGTH;
    let full: Vec<&Voiced> = voiced.iter().filter(whole).collect();
    let chosen: Vec<&Voiced> = if full.len() > 8 { full } else { voiced.iter().collect() };
    let halves = |step: usize, inside: bool| {
        let pairs = chosen.iter().zip(chosen.iter().skip(step));
        let squares: Vec<f32> = pairs
            .filter(|(one, other)| !inside || one.piece.stretch == other.piece.stretch)
            .map(|(one, other)| squared_distance(&one.vector, &other.vector) / 2.0)
            .collect();
        (squares.len(), squares.iter().sum::<f32>() / squares.len().max(1) as f32)
    };
    let (pairs, spread) = halves(APART, true);
    let spread = if pairs >= 5 { spread } else { halves(1, false).1 };
    spread.max(1e-3)
}

/// Groups of pieces alike in voice, at most `most`; pieces beyond [`MOST_GROUPED`] share the group of the one before.
pub(super) fn group(voiced: &[Voiced], most: usize) -> Vec<usize> {
    let stride = voiced.len().div_ceil(MOST_GROUPED).max(1);
    let chosen: Vec<&Voiced> = voiced.iter().step_by(stride).collect();
    let between = |one: usize, other: usize| squared_distance(&chosen[one].vector, &chosen[other].vector);
    let tree = Dendrogram::new(Dissimilarities::from_fn(chosen.len(), between), Linkage::Ward);
    let labels = tree.cut_into(most);
    (0..voiced.len()).map(|index| labels[index / stride]).collect()
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
    fn the_spread_of_equal_voices_is_not_zero() {
        let voiced: Vec<Voiced> = cut(&[(0, 500)]).into_iter().map(|piece| Voiced { piece, vector: vec![1.0, 0.0] }).collect();
        assert!(spread(&voiced) > 0.0);
        assert!(spread(&[]) > 0.0);
    }
}
