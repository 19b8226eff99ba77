//! Where exactly one person ends and the next begins, for the diarizer without a segmentation model. Pure.
//!
//! Pieces are long, for voices to be known by, and so those at a change hold two people. Around each change shorter windows say up to
//! where the voice of the one is more likely than that of the other.

use super::sliding::{Voiced, squared_distance};

/// Frames of [`super::activity`], 16 ms each: windows of 0.75 s every 0.25 s, up to 0.75 s before and after where pieces put the change.
const LENGTH: usize = 47;
const HOP: usize = 16;
const STEPS: usize = 3;

/// A change from one person to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The first frame of the next person, as pieces tell it.
    at: usize,
    from: usize,
    /// The next person.
    pub(super) to: usize,
    /// Windows of speech around it, in order: the first frame of each and the one behind its last.
    pub(super) windows: Vec<(usize, usize)>,
}

/// All changes between pieces. The windows of each lie nearer to it than to the changes before and after.
pub(super) fn changes(stretches: &[(usize, usize)], voiced: &[Voiced], persons: &[usize]) -> Vec<Change> {
    let middle = |voiced: &Voiced| voiced.piece.start.midpoint(voiced.piece.end);
    let pairs = voiced.windows(2).zip(persons.windows(2)).filter(|(_, persons)| persons[0] != persons[1]);
    let mut changes: Vec<Change> = pairs
        .map(|(pieces, persons)| {
            let at = middle(&pieces[0]).midpoint(middle(&pieces[1]));
            Change { at, from: persons[0], to: persons[1], windows: Vec::new() }
        })
        .collect();
    let places: Vec<usize> = changes.iter().map(|change| change.at).collect();
    for (index, change) in changes.iter_mut().enumerate() {
        let least = if index == 0 { 0 } else { places[index - 1].midpoint(change.at) };
        let most = places.get(index + 1).map_or(usize::MAX, |next| next.midpoint(change.at));
        let middles = (0..=2 * STEPS).filter_map(|step| (change.at + step * HOP).checked_sub(STEPS * HOP));
        let middles = middles.filter(|middle| (least..=most).contains(middle));
        change.windows = middles.filter_map(|middle| window(stretches, middle)).collect();
    }
    changes
}

/// The window around a frame of speech, as far as its stretch goes.
fn window(stretches: &[(usize, usize)], middle: usize) -> Option<(usize, usize)> {
    let index = stretches.partition_point(|(_, end)| *end <= middle);
    let &(start, end) = stretches.get(index).filter(|(start, _)| *start <= middle)?;
    let window = (middle.saturating_sub(LENGTH / 2).max(start), (middle + LENGTH / 2).min(end));
    (window.1 - window.0 >= LENGTH / 2).then_some(window)
}

impl Change {
    /// The first frame of the next person, by the voices of the windows: before it they are most like the one, after it most like the
    /// other. Where no window has a voice it stays where pieces put it.
    pub(super) fn place(&self, vectors: &[Option<Vec<f32>>], centres: &[Vec<f32>]) -> usize {
        let (from, to) = (&centres[self.from], &centres[self.to]);
        let voices =
            self.windows.iter().zip(vectors).filter_map(|((start, end), vector)| Some((start.midpoint(*end), vector.as_ref()?)));
        let known: Vec<(usize, f32)> =
            voices.map(|(middle, voice)| (middle, squared_distance(voice, to) - squared_distance(voice, from))).collect();
        let (Some((first, _)), Some((last, _))) = (known.first(), known.last()) else { return self.at };
        let between = known.windows(2).map(|pair| pair[0].0.midpoint(pair[1].0));
        let places = std::iter::once(*first).chain(between).chain([*last]);
        let sums = std::iter::once(0.0).chain(known.iter().scan(0.0, |sum, (_, gain)| {
            *sum += gain;
            Some(*sum)
        }));
        // Of equal places the one that pieces tell.
        let best = places
            .zip(sums)
            .max_by(|(one, a), (other, b)| a.total_cmp(b).then_with(|| other.abs_diff(self.at).cmp(&one.abs_diff(self.at))));
        best.map_or(self.at, |(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sliding::cut;
    use super::*;

    const ONE: [f32; 2] = [1.0, 0.0];
    const OTHER: [f32; 2] = [0.0, 1.0];

    /// A change of voices at a frame of one stretch of 600, and where pieces and windows put it.
    fn placed(real: usize) -> (usize, usize) {
        let stretches = [(0, 600)];
        let mix = |(start, end): (usize, usize)| {
            let share = real.clamp(start, end).abs_diff(start) as f32 / (end - start) as f32;
            vec![share, 1.0 - share]
        };
        let voiced: Vec<Voiced> =
            cut(&stretches).into_iter().map(|piece| Voiced { piece, vector: mix((piece.start, piece.end)) }).collect();
        let persons: Vec<usize> = voiced.iter().map(|voiced| usize::from(voiced.vector[1] > 0.8)).collect();
        let changes = changes(&stretches, &voiced, &persons);
        assert_eq!(changes.len(), 1);
        let vectors: Vec<_> = changes[0].windows.iter().map(|window| Some(mix(*window))).collect();
        (changes[0].at, changes[0].place(&vectors, &[ONE.to_vec(), OTHER.to_vec()]))
    }

    #[test]
    fn a_change_that_pieces_put_too_late_is_put_where_the_voice_changes() {
        for real in [250, 300, 340] {
            let (by_pieces, placed) = placed(real);
            assert!(by_pieces > real + HOP, "{real}: {by_pieces}");
            assert!(placed.abs_diff(real) <= HOP, "{real}: {placed}");
        }
    }

    #[test]
    fn without_voices_a_change_stays_where_it_is() {
        let change = Change { at: 70, from: 0, to: 1, windows: vec![(50, 97)] };
        assert_eq!(change.place(&[None], &[ONE.to_vec(), OTHER.to_vec()]), 70);
    }

    #[test]
    fn windows_lie_in_speech_and_nearer_to_their_change_than_to_others() {
        let stretches = [(0, 100), (120, 220), (230, 330)];
        let voiced: Vec<Voiced> = cut(&stretches).into_iter().map(|piece| Voiced { piece, vector: ONE.to_vec() }).collect();
        let persons: Vec<usize> = voiced.iter().map(|voiced| voiced.piece.stretch % 2).collect();
        let changes = changes(&stretches, &voiced, &persons);
        assert_eq!(changes.iter().map(|change| (change.from, change.to)).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
        let apart = changes[0].at.midpoint(changes[1].at);
        assert!(changes[0].windows.iter().all(|(start, end)| start.midpoint(*end) <= apart));
        assert!(changes[1].windows.iter().all(|(start, end)| start.midpoint(*end) >= apart));
        let speech = |(start, end): &(usize, usize)| stretches.iter().any(|stretch| stretch.0 <= *start && *end <= stretch.1);
        assert!(changes.iter().all(|change| !change.windows.is_empty() && change.windows.iter().all(speech)));
    }
}
