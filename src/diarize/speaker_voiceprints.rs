//! Computes each speaker's voiceprint from the finished turns; the last step of both diarizers.

use super::{Diarization, DiarizeError};
use crate::audio::SAMPLE_RATE;
use crate::context::JobContext;
use crate::voiceprint::{Effort, Features, Voiceprint, VoiceprintModel};

/// Maximum speech per voiceprint in seconds; more does not improve it.
const ENOUGH_SECONDS: usize = 30;

/// Sets each speaker's voiceprint, computed from the longest turns where nobody else talks (or from all turns if that
/// is too little).
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
    if alone.len() >= features.kind().min_frames() { alone } else { collect(false) }
}
