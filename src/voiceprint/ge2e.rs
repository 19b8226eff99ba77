//! Voiceprints from a GE2E encoder: each speaker's frames are cut into partial utterances, and partials of equal length
//! run as one batch.
//!
//! A recurrent network loads all of its weights for every frame, whether it processes one sequence or many. Short
//! partials are therefore trimmed to multiples of [`LENGTH_STEP`], so that more of them have equal lengths.

use super::effort::Effort;
use super::error::VoiceprintError;
use super::{Features, mel};
use crate::audio::SignalError;
use crate::inference::{Session, Tensor};

/// Partials per batch: enough to fill the matrix kernels, few enough to stay in the cache.
const BATCH_SIZE: usize = 16;
/// Maximum partials per subsegment with [`Effort::Quick`].
const SPREAD_PARTIALS: usize = 3;
/// Short partials are trimmed to a multiple of this many frames; at most 80 ms are dropped.
const LENGTH_STEP: usize = 8;

/// A partial utterance: frames that run as one sequence.
struct Partial<'a> {
    voice: usize,
    gain: f32,
    frames: &'a [usize],
}

impl Partial<'_> {
    /// Appends the frames' values, multiplied by `gain`.
    fn gather(&self, features: &Features, values: &mut Vec<f32>) -> Result<(), SignalError> {
        let from = values.len();
        features.gather(self.frames, values)?;
        values[from..].iter_mut().for_each(|power| *power *= self.gain);
        Ok(())
    }
}

/// Computes one embedding per speaker from that speaker's frames; `None` for a speaker without frames. The model's
/// output `speaker` combines a speaker's partials (their mean, minus the mean of all voices).
pub(super) fn embed(
    session: &Session,
    features: &Features,
    voices: &[&[usize]],
    effort: Effort,
) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
    let mut partials = Vec::new();
    for (voice, frames) in voices.iter().enumerate().filter(|(_, frames)| !frames.is_empty()) {
        let gain = mel::gain(features.mean_level(frames));
        partials.extend(cut(frames, effort).into_iter().map(|frames| Partial { voice, gain, frames }));
    }
    partials.sort_by_key(|partial| partial.frames.len());
    let alike = partials.chunk_by(|one, other| one.frames.len() == other.frames.len());
    let batches: Vec<&[Partial]> = alike.flat_map(|alike| alike.chunks(BATCH_SIZE)).collect();
    let run = |lane: usize, batch: &&[Partial]| {
        let frames = batch.first().map_or(0, |partial| partial.frames.len());
        let mut values = Vec::with_capacity(batch.len() * frames * mel::BANDS);
        batch.iter().try_for_each(|partial| partial.gather(features, &mut values))?;
        Ok(session.run(lane, ("mel", &[batch.len(), frames, mel::BANDS], &values), "embedding")?)
    };
    let answers: Vec<Result<Tensor, VoiceprintError>> = session.lanes().map(&batches, run);
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); voices.len()];
    let mut width = 0;
    for (batch, answer) in batches.iter().zip(answers) {
        let answer = answer?;
        width = answer.shape.last().copied().filter(|size| *size > 0).ok_or(VoiceprintError::Answer(0))?;
        for (partial, vector) in batch.iter().zip(answer.values.chunks_exact(width)) {
            vectors[partial.voice].extend_from_slice(vector);
        }
    }
    let join = |vectors: Vec<f32>| {
        if vectors.is_empty() {
            return Ok(None);
        }
        let speaker = session.run(0, ("embedding", &[vectors.len() / width, width], &vectors), "speaker")?;
        if speaker.values.len() == width { Ok(Some(speaker.values)) } else { Err(VoiceprintError::Answer(speaker.values.len())) }
    };
    vectors.into_iter().map(join).collect()
}

/// Cuts a speaker's frames into partials.
fn cut(frames: &[usize], effort: Effort) -> Vec<&[usize]> {
    let starts = match effort {
        Effort::Quick => mel::spread_partials(frames.len(), SPREAD_PARTIALS),
        Effort::Full => mel::overlapping_partials(frames.len()),
    };
    if starts.is_empty() {
        let dropped = frames.len() % LENGTH_STEP;
        return vec![&frames[dropped / 2..frames.len() - dropped.div_ceil(2)]];
    }
    starts.into_iter().map(|start| &frames[start..start + mel::PARTIAL]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_voices_lose_a_little_on_both_sides_and_long_ones_are_cut() {
        let frames: Vec<usize> = (0..500).collect();
        assert_eq!(cut(&frames[..160], Effort::Quick), [&frames[..160]]);
        assert_eq!(cut(&frames[..43], Effort::Full), [&frames[1..41]]);
        assert_eq!(cut(&frames[..200], Effort::Quick), [&frames[20..180]]);
        assert_eq!(cut(&frames[..350], Effort::Quick), [&frames[..160], &frames[190..350]]);
        assert_eq!(cut(&frames[..240], Effort::Full), [&frames[..160], &frames[80..240]]);
    }
}
