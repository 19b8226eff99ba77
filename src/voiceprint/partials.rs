//! Voiceprints from a GE2E encoder: the frames of each voice in parts of one length, run together.
//!
//! While diarizing, windows overlap and most voices are asked for again and again. So where a voice fills a whole part of
//! the recording's own grid, that part is taken, run once, and remembered; what does not fill one is cut from its frames.

use std::collections::HashMap;

use super::model::{Effort, VoiceprintError};
use super::{Features, mel};
use crate::audio::SignalError;
use crate::inference::{Session, Tensor};

/// Partials run as one batch: enough to fill the matrix kernels, few enough to stay in the cache.
const BATCH: usize = 16;
/// Partials taken of one stretch while diarizing.
const SPREAD_PARTIALS: usize = 3;
/// Steps of the grid: half a partial.
const STEP: usize = mel::PARTIAL / 2;
/// Frames of a part of the grid that a voice may lack.
const LACKING: usize = 8;
/// Parts that are remembered: four hours of speech, 19 MB.
const REMEMBERED: usize = 18_000;

/// What was computed of the recording's grid.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// Which features `known` is of.
    features: Option<u64>,
    /// The answers, by the first frame.
    known: HashMap<usize, Vec<f32>>,
}

/// Frames that run as one sequence.
struct Partial<'a> {
    speaker: usize,
    gain: f32,
    frames: Vec<usize>,
    features: &'a Features,
}

impl Partial<'_> {
    /// Adds its frames, raised.
    fn gather(&self, values: &mut Vec<f32>) -> Result<(), SignalError> {
        let from = values.len();
        self.features.gather(&self.frames, values)?;
        values[from..].iter_mut().for_each(|power| *power *= self.gain);
        Ok(())
    }
}

impl Grid {
    /// The vectors of voices, each from its own frames; none for one without frames. Each voice's partials are joined in the
    /// model's own last step (mean, minus the mean of all voices).
    pub(super) fn embed(
        &mut self,
        session: &Session,
        features: &Features,
        speakers: &[&[usize]],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        if self.features.replace(features.id()) != Some(features.id()) || self.known.len() > REMEMBERED {
            self.known.clear();
        }
        let mut partials: Vec<Partial> = Vec::new();
        let mut of_grid: Vec<Vec<usize>> = vec![Vec::new(); speakers.len()];
        for (speaker, frames) in speakers.iter().enumerate().filter(|(_, frames)| !frames.is_empty()) {
            let parts = match effort {
                Effort::Quick => parts_of_grid(frames),
                Effort::Full => Vec::new(),
            };
            if parts.is_empty() {
                partials.extend(own_partials(features, speaker, frames, effort));
            }
            of_grid[speaker] = parts;
        }
        self.compute(session, features, &of_grid)?;
        let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); speakers.len()];
        for (speaker, parts) in of_grid.iter().enumerate() {
            vectors[speaker].extend(parts.iter().filter_map(|first| self.known.get(first)).flatten());
        }
        for (partial, vector) in partials.iter().zip(run(session, &partials)?) {
            vectors[partial.speaker].extend(vector);
        }
        vectors.into_iter().map(|vectors| join(session, &vectors)).collect()
    }

    /// Computes the parts that are not known yet.
    fn compute(&mut self, session: &Session, features: &Features, wanted: &[Vec<usize>]) -> Result<(), VoiceprintError> {
        let mut missing: Vec<usize> = wanted.iter().flatten().copied().filter(|first| !self.known.contains_key(first)).collect();
        missing.sort_unstable();
        missing.dedup();
        let partial = |first: &usize| {
            let frames: Vec<usize> = (*first..(first + mel::PARTIAL).min(features.len())).collect();
            Partial { speaker: 0, gain: mel::gain(features.mean_level(&frames)), frames, features }
        };
        let partials: Vec<Partial> = missing.iter().map(partial).collect();
        self.known.extend(missing.into_iter().zip(run(session, &partials)?));
        Ok(())
    }
}

/// The parts of the grid that are a voice's own, by their first frames: without overlap, and evenly spread if they are more than
/// are needed. None when they would stand for less than half of what would be cut from its frames.
fn parts_of_grid(frames: &[usize]) -> Vec<usize> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Vec::new() };
    let below = |frame: usize| frames.partition_point(|other| *other < frame);
    let is_own = |start: usize| below(start + mel::PARTIAL) - below(start) + LACKING >= mel::PARTIAL;
    let starts = (first.saturating_sub(LACKING).div_ceil(STEP)..=last / STEP).map(|step| step * STEP);
    let own: Vec<usize> = starts.filter(|start| is_own(*start)).collect();
    // Every second part lies on the coarser grid; those between are taken where they fit, so that all windows take the same.
    let (mut taken, between): (Vec<usize>, Vec<usize>) = own.iter().partition(|start| *start % mel::PARTIAL == 0);
    for start in between {
        if taken.iter().all(|other| start.abs_diff(*other) >= mel::PARTIAL) {
            taken.push(start);
        }
    }
    taken.sort_unstable();
    let usual = frames.len().div_ceil(mel::PARTIAL).min(SPREAD_PARTIALS);
    if 2 * taken.len() < usual {
        return Vec::new();
    }
    match taken.len() {
        count if count > SPREAD_PARTIALS => {
            (0..SPREAD_PARTIALS).map(|index| taken[index * (count - 1) / (SPREAD_PARTIALS - 1)]).collect()
        }
        _ => taken,
    }
}

/// Partials of a voice's frames, closed up.
fn own_partials<'a>(features: &'a Features, speaker: usize, frames: &[usize], effort: Effort) -> Vec<Partial<'a>> {
    let starts = match effort {
        Effort::Quick => mel::spread_partials(frames.len(), SPREAD_PARTIALS),
        Effort::Full => mel::overlapping_partials(frames.len()),
    };
    let gain = mel::gain(features.mean_level(frames));
    let partial = |frames: &[usize]| Partial { speaker, gain, frames: frames.to_vec(), features };
    if starts.is_empty() {
        return vec![partial(frames)];
    }
    starts.into_iter().map(|start| partial(&frames[start..start + mel::PARTIAL])).collect()
}

/// Runs partials, those of one length together and in all lanes at once; the answers come in their order.
fn run(session: &Session, partials: &[Partial<'_>]) -> Result<Vec<Vec<f32>>, VoiceprintError> {
    let mut order: Vec<usize> = (0..partials.len()).collect();
    order.sort_by_key(|index| partials[*index].frames.len());
    let alike = order.chunk_by(|one, other| partials[*one].frames.len() == partials[*other].frames.len());
    let batches: Vec<&[usize]> = alike.flat_map(|alike| alike.chunks(BATCH)).collect();
    let run_batch = |lane: usize, batch: &&[usize]| {
        let frames = batch.first().map_or(0, |index| partials[*index].frames.len());
        let mut values = Vec::with_capacity(batch.len() * frames * mel::BANDS);
        batch.iter().try_for_each(|index| partials[*index].gather(&mut values))?;
        Ok(session.run(lane, ("mel", &[batch.len(), frames, mel::BANDS], &values), "embedding")?)
    };
    let answers: Vec<Result<Tensor, VoiceprintError>> = session.lanes().map(&batches, run_batch);
    let mut vectors = vec![Vec::new(); partials.len()];
    for (batch, answer) in batches.iter().zip(answers) {
        let answer = answer?;
        let width = answer.shape.last().copied().filter(|size| *size > 0).ok_or(VoiceprintError::Answer(0))?;
        for (index, vector) in batch.iter().zip(answer.values.chunks_exact(width)) {
            vectors[*index] = vector.to_vec();
        }
    }
    Ok(vectors)
}

/// One voice of several partials, one after the other; none of none.
fn join(session: &Session, vectors: &[f32]) -> Result<Option<Vec<f32>>, VoiceprintError> {
    if vectors.is_empty() {
        return Ok(None);
    }
    let width = session.outputs().iter().find_map(|port| (port.name == "speaker").then(|| port.shape.last().copied().flatten()));
    let width =
        width.flatten().filter(|width| *width > 0 && vectors.len().is_multiple_of(*width)).ok_or(VoiceprintError::Answer(0))?;
    let speaker = session.run(0, ("embedding", &[vectors.len() / width, width], vectors), "speaker")?;
    if speaker.values.len() == width { Ok(Some(speaker.values)) } else { Err(VoiceprintError::Answer(speaker.values.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_fills_parts_of_the_grid_gets_these() {
        let range = |start: usize, end: usize| -> Vec<usize> { (start..end).collect() };
        assert_eq!(parts_of_grid(&range(0, 160)), [0]);
        assert_eq!(parts_of_grid(&range(5, 165)), [0]);
        assert_eq!(parts_of_grid(&range(70, 250)), [80]);
        assert_eq!(parts_of_grid(&range(300, 1300)), [320, 640, 1120]);
        // Another window sees more of the same voice, and takes the same parts.
        assert_eq!(parts_of_grid(&range(320, 800)), [320, 480, 640]);
        // Too short, or scattered.
        assert_eq!(parts_of_grid(&range(10, 160)), [] as [usize; 0]);
        assert_eq!(parts_of_grid(&(0..2000).filter(|frame| frame / 100 % 2 == 0).collect::<Vec<_>>()), [] as [usize; 0]);
    }
}
