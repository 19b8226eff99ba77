//! Overlapping chunks of speech for the diarizer without a segmentation model, and the variance of their embeddings
//! within one speaker. Pure.

use super::linkage::{Dendrogram, DistanceMatrix, Linkage};

/// Length and hop of chunks in frames of [`super::voice_activity`] (16 ms): 1.5 s every 0.5 s. Shorter chunks give
/// unreliable embeddings, longer ones contain two speakers too often.
pub(super) const LENGTH: usize = 94;
pub(super) const HOP: usize = 31;
/// Chunks of one segment this many steps apart share no sample.
const INDEPENDENT_STEP: usize = 3;
/// Above this number an even selection of chunks is clustered, since time and memory grow with the square (3,000 take
/// 18 MB) and an hour has thousands.
const MAX_CLUSTERED: usize = 3000;

/// A part of a speech segment that is short enough to belong to one speaker, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Index of the speech segment that the chunk was cut from.
    pub(super) segment: usize,
}

/// A chunk with its speaker embedding.
#[derive(Debug, Clone)]
pub(super) struct EmbeddedChunk {
    pub(super) chunk: Chunk,
    pub(super) vector: Vec<f32>,
}

/// Cuts speech segments into overlapping chunks; the last chunk of each ends with the segment.
pub(super) fn cut(segments: &[(usize, usize)]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (segment, (start, end)) in segments.iter().copied().enumerate() {
        if end - start <= LENGTH {
            chunks.push(Chunk { start, end, segment });
            continue;
        }
        let last = end - LENGTH;
        let starts = (start..last).step_by(HOP).chain([last]);
        chunks.extend(starts.map(|start| Chunk { start, end: start + LENGTH, segment }));
    }
    chunks
}

/// The squared Euclidean distance.
pub(super) fn squared_distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Estimates the variance of one speaker's embeddings, from neighbouring chunks of one segment that share no sample,
/// since they mostly belong to one speaker. Later decisions are relative to it: a narrow band or a shared line reduces
/// all distances of a recording, including this one.
pub(super) fn within_speaker_variance(embedded: &[EmbeddedChunk]) -> f32 {
    let whole = |embedded: &&EmbeddedChunk| embedded.chunk.end - embedded.chunk.start >= LENGTH;
    let full: Vec<&EmbeddedChunk> = embedded.iter().filter(whole).collect();
    let chosen: Vec<&EmbeddedChunk> = if full.len() > 8 { full } else { embedded.iter().collect() };
    let mean_half_square = |step: usize, inside: bool| {
        let pairs = chosen.iter().zip(chosen.iter().skip(step));
        let squares: Vec<f32> = pairs
            .filter(|(one, other)| !inside || one.chunk.segment == other.chunk.segment)
            .map(|(one, other)| squared_distance(&one.vector, &other.vector) / 2.0)
            .collect();
        (squares.len(), squares.iter().sum::<f32>() / squares.len().max(1) as f32)
    };
    let (pairs, within_speaker_variance) = mean_half_square(INDEPENDENT_STEP, true);
    let within_speaker_variance = if pairs >= 5 { within_speaker_variance } else { mean_half_square(1, false).1 };
    within_speaker_variance.max(1e-3)
}

/// Clusters chunks by Ward's method into at most `most` clusters; chunks left out by [`MAX_CLUSTERED`] take the cluster
/// of the chunk before.
pub(super) fn initial_clusters(embedded: &[EmbeddedChunk], most: usize) -> Vec<usize> {
    let stride = embedded.len().div_ceil(MAX_CLUSTERED).max(1);
    let chosen: Vec<&EmbeddedChunk> = embedded.iter().step_by(stride).collect();
    let between = |one: usize, other: usize| squared_distance(&chosen[one].vector, &chosen[other].vector);
    let tree = Dendrogram::new(DistanceMatrix::from_fn(chosen.len(), between), Linkage::Ward);
    let labels = tree.cut_into(most);
    (0..embedded.len()).map(|index| labels[index / stride]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_segment() {
        let chunks = cut(&[(10, 50), (100, 300)]);
        assert_eq!(chunks[0], Chunk { start: 10, end: 50, segment: 0 });
        assert_eq!((chunks[1].start, chunks.last().unwrap().end), (100, 300));
        assert!(chunks[1..].windows(2).all(|pair| pair[1].start <= pair[0].start + HOP));
    }

    #[test]
    fn the_spread_of_equal_voices_is_not_zero() {
        let embedded: Vec<EmbeddedChunk> =
            cut(&[(0, 500)]).into_iter().map(|chunk| EmbeddedChunk { chunk, vector: vec![1.0, 0.0] }).collect();
        assert!(within_speaker_variance(&embedded) > 0.0);
        assert!(within_speaker_variance(&[]) > 0.0);
    }
}
