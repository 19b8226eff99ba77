//! Refines the change points between speakers, for the diarizer without a segmentation model. Pure.
//!
//! Chunks are long so that their embeddings are reliable, so a chunk at a change contains two speakers. Around each
//! change shorter windows are embedded, and the change moves to where their embeddings switch from one speaker to the
//! other.

use super::chunks::{EmbeddedChunk, squared_distance};

/// Window length, hop and steps to each side, in frames of [`super::voice_activity`] (16 ms): 0.75 s every 0.25 s, up
/// to 0.75 s before and after the change found from chunks.
const LENGTH: usize = 47;
const HOP: usize = 16;
const STEPS: usize = 3;

/// A change from one speaker to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangePoint {
    /// First frame of the next speaker as estimated from chunks.
    at: usize,
    from: usize,
    /// Index of the next speaker.
    pub(super) to: usize,
    /// Windows of speech around the change, in order, as first and end frame.
    pub(super) windows: Vec<(usize, usize)>,
}

/// Finds all changes between adjacent chunks. The windows of a change are closer to it than to its neighbours.
pub(super) fn change_points(segments: &[(usize, usize)], embedded: &[EmbeddedChunk], speakers: &[usize]) -> Vec<ChangePoint> {
    let middle = |embedded: &EmbeddedChunk| embedded.chunk.start.midpoint(embedded.chunk.end);
    let pairs = embedded.windows(2).zip(speakers.windows(2)).filter(|(_, speakers)| speakers[0] != speakers[1]);
    let mut change_points: Vec<ChangePoint> = pairs
        .map(|(chunks, speakers)| {
            let at = middle(&chunks[0]).midpoint(middle(&chunks[1]));
            ChangePoint { at, from: speakers[0], to: speakers[1], windows: Vec::new() }
        })
        .collect();
    let places: Vec<usize> = change_points.iter().map(|change_point| change_point.at).collect();
    for (index, change_point) in change_points.iter_mut().enumerate() {
        let least = if index == 0 { 0 } else { places[index - 1].midpoint(change_point.at) };
        let most = places.get(index + 1).map_or(usize::MAX, |next| next.midpoint(change_point.at));
        let middles = (0..=2 * STEPS).filter_map(|step| (change_point.at + step * HOP).checked_sub(STEPS * HOP));
        let middles = middles.filter(|middle| (least..=most).contains(middle));
        change_point.windows = middles.filter_map(|middle| window(segments, middle)).collect();
    }
    change_points
}

/// The window centred on a frame, clipped to the speech segment; `None` outside speech or if it is too short.
fn window(segments: &[(usize, usize)], middle: usize) -> Option<(usize, usize)> {
    let index = segments.partition_point(|(_, end)| *end <= middle);
    let &(start, end) = segments.get(index).filter(|(start, _)| *start <= middle)?;
    let window = (middle.saturating_sub(LENGTH / 2).max(start), (middle + LENGTH / 2).min(end));
    (window.1 - window.0 >= LENGTH / 2).then_some(window)
}

impl ChangePoint {
    /// The refined first frame of the next speaker: the boundary that best separates windows similar to the previous
    /// speaker from windows similar to the next. Without embeddings the estimate from chunks is kept.
    pub(super) fn refine(&self, vectors: &[Option<Vec<f32>>], centroids: &[Vec<f32>]) -> usize {
        let (from, to) = (&centroids[self.from], &centroids[self.to]);
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
        // Prefer the estimate from chunks among equal boundaries.
        let best = places
            .zip(sums)
            .max_by(|(one, a), (other, b)| a.total_cmp(b).then_with(|| other.abs_diff(self.at).cmp(&one.abs_diff(self.at))));
        best.map_or(self.at, |(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunks::cut;
    use super::*;

    const ONE: [f32; 2] = [1.0, 0.0];
    const OTHER: [f32; 2] = [0.0, 1.0];

    /// Places a change of voice at frame `real` of a segment of 600; returns the estimate from chunks and the refined
    /// one.
    fn placed(real: usize) -> (usize, usize) {
        let segments = [(0, 600)];
        let mix = |(start, end): (usize, usize)| {
            let share = real.clamp(start, end).abs_diff(start) as f32 / (end - start) as f32;
            vec![share, 1.0 - share]
        };
        let embedded: Vec<EmbeddedChunk> =
            cut(&segments).into_iter().map(|chunk| EmbeddedChunk { chunk, vector: mix((chunk.start, chunk.end)) }).collect();
        let speakers: Vec<usize> = embedded.iter().map(|embedded| usize::from(embedded.vector[1] > 0.8)).collect();
        let change_points = change_points(&segments, &embedded, &speakers);
        assert_eq!(change_points.len(), 1);
        let vectors: Vec<_> = change_points[0].windows.iter().map(|window| Some(mix(*window))).collect();
        (change_points[0].at, change_points[0].refine(&vectors, &[ONE.to_vec(), OTHER.to_vec()]))
    }

    #[test]
    fn a_change_estimated_too_late_is_moved_to_where_the_voice_changes() {
        for real in [250, 300, 340] {
            let (by_chunks, placed) = placed(real);
            assert!(by_chunks > real + HOP, "{real}: {by_chunks}");
            assert!(placed.abs_diff(real) <= HOP, "{real}: {placed}");
        }
    }

    #[test]
    fn without_voices_a_change_stays_where_it_is() {
        let change_point = ChangePoint { at: 70, from: 0, to: 1, windows: vec![(50, 97)] };
        assert_eq!(change_point.refine(&[None], &[ONE.to_vec(), OTHER.to_vec()]), 70);
    }

    #[test]
    fn windows_lie_in_speech_and_nearer_to_their_change_than_to_others() {
        let segments = [(0, 100), (120, 220), (230, 330)];
        let embedded: Vec<EmbeddedChunk> =
            cut(&segments).into_iter().map(|chunk| EmbeddedChunk { chunk, vector: ONE.to_vec() }).collect();
        let speakers: Vec<usize> = embedded.iter().map(|embedded| embedded.chunk.segment % 2).collect();
        let change_points = change_points(&segments, &embedded, &speakers);
        assert_eq!(
            change_points.iter().map(|change_point| (change_point.from, change_point.to)).collect::<Vec<_>>(),
            [(0, 1), (1, 0)]
        );
        let apart = change_points[0].at.midpoint(change_points[1].at);
        assert!(change_points[0].windows.iter().all(|(start, end)| start.midpoint(*end) <= apart));
        assert!(change_points[1].windows.iter().all(|(start, end)| start.midpoint(*end) >= apart));
        let speech = |(start, end): &(usize, usize)| segments.iter().any(|segment| segment.0 <= *start && *end <= segment.1);
        assert!(
            change_points.iter().all(|change_point| !change_point.windows.is_empty() && change_point.windows.iter().all(speech))
        );
    }
}
