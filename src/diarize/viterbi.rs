//! Finds the speaker of each chunk for every possible number of speakers, and selects the number. Pure.
//!
//! Starts with too many clusters and merges the two closest repeatedly. After each merge the most likely path of
//! speakers through time is found (A. Viterbi, 1967), since people do not alternate at random. The path with the most
//! speakers that are still sufficiently separated is selected.

use super::SpeakerCount;
use super::chunks::{EmbeddedChunk, HOP, initial_clusters, squared_distance};
use super::voice_activity::FRAME;
use crate::audio::SAMPLE_RATE;
use crate::voiceprint::{dot, normalize};

/// Initial number of clusters: more than most calls have speakers, few enough for seconds of speech each.
const INITIAL_CLUSTERS: usize = 8;
/// Maximum iterations of path and centroids.
const ROUNDS: usize = 6;
/// Independent measurements that an embedding is worth, divided by 3 because chunks overlap threefold; scales log
/// likelihoods.
const LIKELIHOOD_WEIGHT: f32 = 16.0 / 3.0;
/// Costs of a speaker change within a speech segment and between two, as negative log probabilities.
const CHANGE_COST: f32 = 4.0;
const CHANGE_COST_AT_PAUSE: f32 = 2.0;
/// Seconds of speech that each chunk adds to the one before.
const HOP_SECONDS: f32 = (HOP * FRAME) as f32 / SAMPLE_RATE as f32;
/// With fewer chunks (2.5 s) or a smaller share of the recording, a speaker cannot be distinguished from a noise.
const MIN_CHUNKS: f32 = 4.0;
const MIN_SHARE: f32 = 0.03;

/// Minimum distance (1 - cosine) between the centroids of two speakers, per unit of the within-speaker variance of the
/// recording, since a narrow band or a shared line brings all voices closer, including those of one speaker...
const SEPARATION_PER_VARIANCE: f32 = 0.8;
/// ...plus this, in distance times seconds, divided by the speech of the shorter speaker. Both were chosen on synthetic
/// conversations and the sample calls, with both kinds of voiceprint (docs/experiments.md).
const SEPARATION_PER_SECOND: f32 = 0.2;

/// The speaker of each chunk, for one number of speakers.
#[derive(Debug, Clone, PartialEq)]
struct SpeakerPath {
    speakers: Vec<usize>,
    /// Distance of the two most similar speakers relative to the minimum; at least 1 if sufficiently separated.
    separation: f32,
}

/// The speaker of each chunk, numbered from 0 without gaps.
pub(super) fn most_likely_speakers(embedded: &[EmbeddedChunk], within_speaker_variance: f32, count: SpeakerCount) -> Vec<usize> {
    let mut paths = paths(embedded, within_speaker_variance, INITIAL_CLUSTERS.max(count.min + 2));
    // From many speakers to few.
    paths.retain(|path| speaker_count(&path.speakers) <= count.max);
    let right = paths.iter().find(|path| speaker_count(&path.speakers) <= count.min || path.separation >= 1.0);
    // If every path has too few speakers, take the one with the most.
    right.or(paths.first()).map_or_else(|| vec![0; embedded.len()], |path| path.speakers.clone())
}

/// One path for each number of speakers, in descending order.
fn paths(embedded: &[EmbeddedChunk], within_speaker_variance: f32, cluster_count: usize) -> Vec<SpeakerPath> {
    let mut speakers = initial_clusters(embedded, cluster_count);
    let mut paths = Vec::new();
    while !embedded.is_empty() {
        speakers = refine(embedded, speakers, within_speaker_variance);
        let centroids = centroids(embedded, &speakers);
        let Some((one, other, separation)) = closest_speakers(&speakers, &centroids, within_speaker_variance) else {
            paths.push(SpeakerPath { speakers, separation: f32::INFINITY });
            break;
        };
        paths.push(SpeakerPath { speakers: speakers.clone(), separation });
        for speaker in &mut speakers {
            if *speaker == other {
                *speaker = one;
            }
        }
    }
    paths
}

/// Alternates between path and centroids until they are stable; speakers without chunks are removed.
fn refine(embedded: &[EmbeddedChunk], mut speakers: Vec<usize>, within_speaker_variance: f32) -> Vec<usize> {
    renumber(&mut speakers);
    for _ in 0..ROUNDS {
        let mut better = viterbi_path(embedded, &centroids(embedded, &speakers), within_speaker_variance);
        renumber(&mut better);
        if better == speakers {
            break;
        }
        speakers = better;
    }
    speakers
}

/// The Viterbi path: each chunk should be close to its speaker's centroid, and changes have a cost.
fn viterbi_path(embedded: &[EmbeddedChunk], centroids: &[Vec<f32>], within_speaker_variance: f32) -> Vec<usize> {
    let speakers = centroids.len();
    let fit = |chunk: usize, speaker: usize| {
        -LIKELIHOOD_WEIGHT * squared_distance(&embedded[chunk].vector, &centroids[speaker]) / (2.0 * within_speaker_variance)
    };
    let best_of = |sums: &[f32]| (0..sums.len()).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0);
    let mut sums: Vec<f32> = (0..speakers).map(|speaker| fit(0, speaker)).collect();
    let mut before: Vec<Vec<usize>> = vec![(0..speakers).collect()];
    for chunk in 1..embedded.len() {
        let inside = embedded[chunk].chunk.segment == embedded[chunk - 1].chunk.segment;
        let cost = if inside { CHANGE_COST } else { CHANGE_COST_AT_PAUSE };
        let best = best_of(&sums);
        let came: Vec<usize> =
            (0..speakers).map(|speaker| if sums[best] - cost > sums[speaker] { best } else { speaker }).collect();
        let sum = |speaker: usize| sums[came[speaker]] - if came[speaker] == speaker { 0.0 } else { cost } + fit(chunk, speaker);
        sums = (0..speakers).map(sum).collect();
        before.push(came);
    }
    let mut speaker = best_of(&sums);
    let mut path = vec![0; embedded.len()];
    for (place, came) in path.iter_mut().zip(&before).rev() {
        *place = speaker;
        speaker = came[speaker];
    }
    path
}

/// The least separated pair of speakers and its relative separation; `None` for a single speaker.
fn closest_speakers(speakers: &[usize], centroids: &[Vec<f32>], within_speaker_variance: f32) -> Option<(usize, usize, f32)> {
    let mut chunks = vec![0.0_f32; centroids.len()];
    for speaker in speakers {
        chunks[*speaker] += 1.0;
    }
    let fewest = MIN_CHUNKS.max(MIN_SHARE * speakers.len() as f32);
    let voices: Vec<Vec<f32>> = centroids.iter().map(|centroid| normalized(centroid)).collect();
    let separation = |one: usize, other: usize| {
        let shorter = chunks[one].min(chunks[other]);
        let least = SEPARATION_PER_VARIANCE * within_speaker_variance + SEPARATION_PER_SECOND / (shorter * HOP_SECONDS);
        (shorter / fewest).min(1.0) * (1.0 - dot(&voices[one], &voices[other])) / least
    };
    let pairs = (0..centroids.len()).flat_map(|one| (one + 1..centroids.len()).map(move |other| (one, other)));
    pairs.map(|(one, other)| (one, other, separation(one, other))).min_by(|a, b| a.2.total_cmp(&b.2))
}

fn normalized(centroid: &[f32]) -> Vec<f32> {
    let mut voice = centroid.to_vec();
    normalize(&mut voice);
    voice
}

/// Mean embedding of each speaker's chunks.
pub(super) fn centroids(embedded: &[EmbeddedChunk], speakers: &[usize]) -> Vec<Vec<f32>> {
    let dimension = embedded.first().map_or(0, |embedded| embedded.vector.len());
    let mut sums = vec![vec![0.0; dimension]; speaker_count(speakers)];
    let mut sizes = vec![0.0_f32; sums.len()];
    for (embedded, speaker) in embedded.iter().zip(speakers) {
        sizes[*speaker] += 1.0;
        for (sum, value) in sums[*speaker].iter_mut().zip(&embedded.vector) {
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

fn speaker_count(speakers: &[usize]) -> usize {
    speakers.iter().max().map_or(0, |most| most + 1)
}

/// Renumbers speakers without gaps, by first occurrence.
fn renumber(speakers: &mut [usize]) {
    let mut names: Vec<usize> = Vec::new();
    for speaker in speakers {
        let place = names.iter().position(|name| name == speaker);
        *speaker = place.unwrap_or_else(|| {
            names.push(*speaker);
            names.len() - 1
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chunks::{cut, within_speaker_variance};
    use super::*;

    /// Pseudo-random noise, -0.5 to 0.5 (S. Vigna's splitmix64).
    fn noise(seed: u64) -> f32 {
        let mut value = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((value ^ (value >> 31)) >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    /// Chunks of segments of three seconds with the given speakers, with a little noise.
    fn conversation(path: &[usize]) -> Vec<EmbeddedChunk> {
        let segments: Vec<(usize, usize)> = (0..path.len()).map(|index| (index * 250, index * 250 + 190)).collect();
        let voice = |index: usize, speaker: usize| {
            (0..6).map(|axis| if axis == speaker { 1.0 } else { 0.0 } + 0.6 * noise((index * 6 + axis) as u64)).collect()
        };
        let chunks = cut(&segments).into_iter().enumerate();
        chunks.map(|(index, chunk)| EmbeddedChunk { chunk, vector: voice(index, path[chunk.segment]) }).collect()
    }

    fn speakers(path: &[usize], count: SpeakerCount) -> Vec<usize> {
        let embedded = conversation(path);
        let found = most_likely_speakers(&embedded, within_speaker_variance(&embedded), count);
        let mut of_segments = vec![usize::MAX; path.len()];
        for (embedded, speaker) in embedded.iter().zip(found) {
            of_segments[embedded.chunk.segment] = speaker;
        }
        of_segments
    }

    #[test]
    fn alternating_speakers_are_separated_and_one_voice_is_not_split() {
        let dialogue = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1];
        assert_eq!(speakers(&dialogue, SpeakerCount::UNKNOWN), dialogue);
        let three = [0, 1, 2, 1, 0, 2, 1, 0, 2, 0, 1, 2];
        assert_eq!(speakers(&three, SpeakerCount::UNKNOWN), three);
        assert_eq!(speakers(&[0; 9], SpeakerCount::UNKNOWN), [0; 9]);
    }

    #[test]
    fn a_given_number_is_kept() {
        let three = [0, 1, 2, 1, 0, 2, 1, 0, 2, 0, 1, 2];
        assert_eq!(speakers(&three, SpeakerCount::exactly(3)), three);
        assert_eq!(speaker_count(&speakers(&three, SpeakerCount::exactly(2))), 2);
        assert_eq!(speaker_count(&speakers(&three, SpeakerCount::exactly(1))), 1);
    }

    proptest! {
        #[test]
        fn every_chunk_has_a_speaker_and_numbers_have_no_gaps(
            vectors in prop::collection::vec(prop::collection::vec(-1.0_f32..1.0, 4), 0..60),
            min in 1_usize..4, more in 0_usize..4,
        ) {
            let chunks = cut(&[(0, vectors.len() * 31 + 70)]);
            let embedded: Vec<EmbeddedChunk> = chunks.into_iter().zip(vectors).map(|(chunk, vector)| EmbeddedChunk { chunk, vector }).collect();
            let found = most_likely_speakers(&embedded, within_speaker_variance(&embedded), SpeakerCount { min, max: min + more });
            prop_assert_eq!(found.len(), embedded.len());
            prop_assert!(speaker_count(&found) <= min + more);
            prop_assert!((0..speaker_count(&found)).all(|speaker| found.contains(&speaker)));
        }
    }
}
