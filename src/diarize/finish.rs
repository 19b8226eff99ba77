//! The last step of both diarizers: each speaker's own voiceprint, from the turns.

use super::{Diarization, DiarizeError};
use crate::audio::SAMPLE_RATE;
use crate::context::JobContext;
use crate::voiceprint::{Effort, Features, Voiceprint, VoiceprintModel};

/// More speech than this does not make a voiceprint better.
const ENOUGH_SECONDS: usize = 30;

/// Takes each speaker's voiceprint from where no one else speaks, longest turns first.
pub(super) fn add_voiceprints(
    ctx: &JobContext,
    diarization: &mut Diarization,
    features: &Features,
    model: &mut VoiceprintModel,
) -> Result<(), DiarizeError> {
    ctx.check()?;
    let frames: Vec<Vec<usize>> =
        (0..diarization.speakers.len()).map(|speaker| frames_of(diarization, speaker, features)).collect();
    let vectors = model.embed_many(features, &frames, Effort::Full).map_err(|error| DiarizeError::Model(error.to_string()))?;
    for (speaker, vector) in diarization.speakers.iter_mut().zip(vectors) {
        speaker.voiceprint = vector.map(|vector| Voiceprint { model: model.name().to_owned(), vector });
    }
    Ok(())
}

fn frames_of(diarization: &Diarization, speaker: usize, features: &Features) -> Vec<usize> {
    let range = |turn: &super::SpeechTurn| features.frames_between(turn.span.start().to_sample(), turn.span.end().to_sample());
    let mut shared = vec![false; features.len()];
    for turn in diarization.turns.iter().filter(|turn| turn.speaker.0 != speaker) {
        shared[range(turn)].fill(true);
    }
    let mut turns: Vec<_> = diarization.turns.iter().filter(|turn| turn.speaker.0 == speaker).collect();
    turns.sort_by_key(|turn| std::cmp::Reverse(turn.span.duration()));
    let enough = ENOUGH_SECONDS * SAMPLE_RATE as usize / features.kind().hop();
    let collect = |alone: bool| {
        let mut frames: Vec<usize> = Vec::new();
        for turn in &turns {
            if frames.len() >= enough {
                break;
            }
            frames.extend(range(turn).filter(|frame| !alone || !shared[*frame]));
        }
        frames.sort_unstable();
        frames
    };
    let alone = collect(true);
    if alone.len() >= features.kind().fewest_frames() { alone } else { collect(false) }
}
