//! Diarization without a segmentation model: voice activity, pieces, courses of persons. What a fresh machine runs.

use super::activity::{self, FRAME};
use super::borders::{self, Change};
use super::finish::add_voiceprints;
use super::sliding::{self, Piece, Voiced};
use super::tonality::Tonality;
use super::turns::{Tidying, Timeline, turns};
use super::viterbi::{centres, most_likely_persons};
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::Audio;
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Pauses up to 0.3 s are no pauses, and speech is at least 0.2 s long; in frames.
const LONGEST_GAP: usize = 19;
const SHORTEST: usize = 12;
/// Pieces embedded between two looks at the stop signal.
const BLOCK: usize = 64;
/// Changes of person looked at between two of them: about as much work.
const CHANGES_AT_ONCE: usize = 16;

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
            let vectors = self.embed(features, pieces_of_block.iter().map(|piece| (piece.start, piece.end)))?;
            voiced.extend(
                pieces_of_block.iter().zip(vectors).filter_map(|(piece, vector)| Some(Voiced { piece: *piece, vector: vector? })),
            );
            ctx.report_part(Stage::Diarization, (block + 1) * BLOCK, pieces.len());
        }
        Ok(voiced)
    }

    /// Of each change its frame, and who speaks from there.
    fn borders(
        &mut self,
        ctx: &JobContext,
        features: &Features,
        changes: &[Change],
        centres: &[Vec<f32>],
    ) -> Result<Vec<(usize, usize)>, DiarizeError> {
        let mut borders = Vec::with_capacity(changes.len());
        for changes in changes.chunks(CHANGES_AT_ONCE) {
            ctx.check()?;
            let windows = changes.iter().flat_map(|change| &change.windows);
            let vectors = self.embed(features, windows.copied())?;
            let mut rest = vectors.as_slice();
            for change in changes {
                let (own, others) = rest.split_at(change.windows.len());
                rest = others;
                borders.push((change.place(own, centres), change.to));
            }
        }
        Ok(borders)
    }

    /// The voices of spans of frames; none for one that is too short for it.
    fn embed(
        &mut self,
        features: &Features,
        spans: impl Iterator<Item = (usize, usize)>,
    ) -> Result<Vec<Option<Vec<f32>>>, DiarizeError> {
        let frames: Vec<Vec<usize>> =
            spans.map(|(start, end)| features.frames_between(start * FRAME, end * FRAME).collect()).collect();
        let vectors = self.voiceprint.embed_many(features, &frames, Effort::Quick);
        vectors.map_err(|error| DiarizeError::Model(error.to_string()))
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
        let changes = borders::changes(&stretches, &voiced, &persons);
        let borders = self.borders(ctx, &features, &changes, &centres(&voiced, &persons))?;
        let timeline = timeline(&stretches, &persons, &borders, &scores);
        let (mut diarization, _) = turns(&timeline, audio.duration(), self.tidying);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        let detector = ModelInfo { name: "earshot".to_owned(), framework: "earshot", device: "cpu", license: Some("Apache-2.0") };
        vec![detector, self.voiceprint.info()]
    }
}

/// Each frame of speech belongs to whom the last change before it was to; without a voice of its own, a stretch goes with the others.
fn timeline(stretches: &[(usize, usize)], persons: &[usize], borders: &[(usize, usize)], scores: &[f32]) -> Timeline {
    let count = persons.iter().max().map_or(1, |most| most + 1);
    let mut timeline = Timeline::new(scores.len(), count, FRAME);
    let mut person = persons.first().copied().unwrap_or(0);
    let mut to_come = borders.iter().peekable();
    for (start, end) in stretches.iter().copied() {
        for (frame, score) in scores.iter().enumerate().take(end).skip(start) {
            while let Some((_, next)) = to_come.next_if(|(at, _)| *at <= frame) {
                person = *next;
            }
            timeline.set(frame, person, *score);
        }
    }
    timeline
}
