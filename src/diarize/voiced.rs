//! Diarization without a segmentation model: voice activity, pieces, courses of persons. What a fresh machine runs.

use super::activity::{self, FRAME};
use super::courses::most_likely_persons;
use super::finish::add_voiceprints;
use super::sliding::{self, Piece, Voiced};
use super::tonality::Tonality;
use super::turns::{Tidying, Timeline, turns};
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::Audio;
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::models::ModelInfo;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Pauses up to 0.3 s are no pauses, and speech is at least 0.2 s long; in frames.
const LONGEST_GAP: usize = 19;
const SHORTEST: usize = 12;
/// Pieces embedded between two looks at the stop signal.
const BLOCK: usize = 64;

/// The diarizer that needs nothing but a speaker model.
#[derive(Debug)]
pub struct VoicedDiarizer {
    voiceprint: VoiceprintModel,
    tidying: Tidying,
}

impl VoicedDiarizer {
    /// With any speaker model, the built-in one included.
    #[must_use]
    pub fn new(voiceprint: VoiceprintModel, tidying: Tidying) -> Self {
        Self { voiceprint, tidying }
    }

    /// The voices of the pieces that are long enough to have one.
    fn voices(&mut self, ctx: &JobContext, features: &Features, pieces: &[Piece]) -> Result<Vec<Voiced>, DiarizeError> {
        let mut voiced = Vec::with_capacity(pieces.len());
        for (block, pieces_of_block) in pieces.chunks(BLOCK).enumerate() {
            ctx.check()?;
            let frames = |piece: &Piece| features.frames_between(piece.start * FRAME, piece.end * FRAME).collect();
            let frames: Vec<Vec<usize>> = pieces_of_block.iter().map(frames).collect();
            let vectors = self.voiceprint.embed_many(features, &frames, Effort::Quick);
            let vectors = vectors.map_err(|error| DiarizeError::Model(error.to_string()))?;
            voiced.extend(
                pieces_of_block.iter().zip(vectors).filter_map(|(piece, vector)| Some(Voiced { piece: *piece, vector: vector? })),
            );
            ctx.report_part(Stage::Diarization, (block + 1) * BLOCK, pieces.len());
        }
        Ok(voiced)
    }
}

impl Diarize for VoicedDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let scores = activity::scores(ctx, audio)?;
        let tonality = Tonality::of(ctx, audio)?;
        let mut active = activity::active_frames(&scores);
        for (frame, active) in active.iter_mut().enumerate() {
            *active &= !tonality.is_tonal(frame * FRAME + FRAME / 2);
        }
        let stretches = activity::audible(activity::stretches(&active, LONGEST_GAP, SHORTEST), audio)?;
        if stretches.is_empty() {
            return Ok(Diarization::default());
        }
        let features = Features::of(self.voiceprint.kind(), audio)?;
        let pieces = sliding::cut(&stretches);
        let voiced = self.voices(ctx, &features, &pieces)?;
        ctx.check()?;
        let persons = most_likely_persons(&voiced, sliding::spread(&voiced), count);
        let timeline = timeline(&stretches, &voiced, &persons, &scores);
        let (mut diarization, _) = turns(&timeline, audio.duration(), self.tidying);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        let detector = ModelInfo { name: "earshot".to_owned(), framework: "earshot", device: "cpu", license: Some("Apache-2.0") };
        vec![detector, self.voiceprint.info()]
    }
}

/// Each frame of speech belongs to the piece whose middle is nearest in time, and so to its person; a stretch without a voice
/// of its own goes with the nearest piece before or after.
fn timeline(stretches: &[(usize, usize)], voiced: &[Voiced], persons: &[usize], scores: &[f32]) -> Timeline {
    let count = persons.iter().max().map_or(1, |most| most + 1);
    let mut timeline = Timeline::new(scores.len(), count, FRAME);
    let middle = |place: usize| voiced[place].piece.start.midpoint(voiced[place].piece.end);
    let mut place = 0;
    for (start, end) in stretches.iter().copied() {
        for (frame, score) in scores.iter().enumerate().take(end).skip(start) {
            while place + 1 < voiced.len() && middle(place + 1).abs_diff(frame) <= middle(place).abs_diff(frame) {
                place += 1;
            }
            timeline.set(frame, persons.get(place).copied().unwrap_or(0), *score);
        }
    }
    timeline
}
