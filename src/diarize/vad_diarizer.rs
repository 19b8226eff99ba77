//! Diarization without a segmentation model: voice activity detection, embedded chunks, and the most likely path of speakers.

use super::change_points::{self, ChangePoint};
use super::chunks::{self, Chunk, EmbeddedChunk};
use super::speaker_voiceprints::add_voiceprints;
use super::tonality::Tonality;
use super::turns::{Timeline, TurnSmoothing, turns};
use super::viterbi::{centroids, most_likely_speakers};
use super::voice_activity::{self, FRAME};
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::Audio;
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Maximum pause inside a speech segment (0.3 s) and minimum duration of one (0.2 s), in frames.
const MAX_PAUSE: usize = 19;
const MIN_SEGMENT: usize = 12;
/// Chunks embedded between two checks of the stop signal.
const BLOCK: usize = 64;
/// Change points refined between two checks: about as much work.
const CHANGE_POINT_BLOCK: usize = 16;

/// The diarizer that needs only a speaker model.
#[derive(Debug)]
pub struct VadDiarizer {
    voiceprint: VoiceprintModel,
    smoothing: TurnSmoothing,
}

impl VadDiarizer {
    /// Works with any speaker model, including the built-in one.
    #[must_use]
    pub fn new(voiceprint: VoiceprintModel, smoothing: TurnSmoothing) -> Self {
        Self { voiceprint, smoothing }
    }

    /// Embeds the chunks that are long enough.
    fn voices(&mut self, ctx: &JobContext, features: &Features, chunks: &[Chunk]) -> Result<Vec<EmbeddedChunk>, DiarizeError> {
        let mut embedded = Vec::with_capacity(chunks.len());
        for (block, block_chunks) in chunks.chunks(BLOCK).enumerate() {
            ctx.check()?;
            let vectors = self.embed(features, block_chunks.iter().map(|chunk| (chunk.start, chunk.end)))?;
            embedded.extend(
                block_chunks
                    .iter()
                    .zip(vectors)
                    .filter_map(|(chunk, vector)| Some(EmbeddedChunk { chunk: *chunk, vector: vector? })),
            );
            ctx.report_part(Stage::Diarization, (block + 1) * BLOCK, chunks.len());
        }
        Ok(embedded)
    }

    /// The refined first frame of each change, and the speaker who talks from there.
    fn refine_change_points(
        &mut self,
        ctx: &JobContext,
        features: &Features,
        change_points: &[ChangePoint],
        centroids: &[Vec<f32>],
    ) -> Result<Vec<(usize, usize)>, DiarizeError> {
        let mut speaker_changes = Vec::with_capacity(change_points.len());
        for change_points in change_points.chunks(CHANGE_POINT_BLOCK) {
            ctx.check()?;
            let windows = change_points.iter().flat_map(|change_point| &change_point.windows);
            let vectors = self.embed(features, windows.copied())?;
            let mut rest = vectors.as_slice();
            for change_point in change_points {
                let (own, others) = rest.split_at(change_point.windows.len());
                rest = others;
                speaker_changes.push((change_point.refine(own, centroids), change_point.to));
            }
        }
        Ok(speaker_changes)
    }

    /// Embeddings of ranges of frames; `None` for those that are too short.
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

impl Diarize for VadDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let scores = voice_activity::scores(ctx, audio)?;
        let tonality = Tonality::of(ctx, audio)?;
        let mut active = voice_activity::active_frames(&scores);
        for (frame, active) in active.iter_mut().enumerate() {
            *active &= !tonality.is_tonal(frame * FRAME + FRAME / 2);
        }
        let segments = voice_activity::audible(voice_activity::speech_segments(&active, MAX_PAUSE, MIN_SEGMENT), audio)?;
        if segments.is_empty() {
            return Ok(Diarization::default());
        }
        let features = Features::of(self.voiceprint.kind(), audio)?;
        let chunks = chunks::cut(&segments);
        let embedded = self.voices(ctx, &features, &chunks)?;
        ctx.check()?;
        let speakers = most_likely_speakers(&embedded, chunks::within_speaker_variance(&embedded), count);
        let change_points = change_points::change_points(&segments, &embedded, &speakers);
        let speaker_changes = self.refine_change_points(ctx, &features, &change_points, &centroids(&embedded, &speakers))?;
        let timeline = timeline(&segments, &speakers, &speaker_changes, &scores);
        let (mut diarization, _) = turns(&timeline, audio.duration(), self.smoothing);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        let detector = ModelInfo { name: "earshot".to_owned(), framework: "earshot", device: "cpu", license: Some("Apache-2.0") };
        vec![detector, self.voiceprint.info()]
    }
}

/// Assigns each speech frame to the speaker of the last change before it; segments without an embedding continue with
/// the current speaker.
fn timeline(segments: &[(usize, usize)], speakers: &[usize], speaker_changes: &[(usize, usize)], scores: &[f32]) -> Timeline {
    let count = speakers.iter().max().map_or(1, |most| most + 1);
    let mut timeline = Timeline::new(scores.len(), count, FRAME);
    let mut speaker = speakers.first().copied().unwrap_or(0);
    let mut to_come = speaker_changes.iter().peekable();
    for (start, end) in segments.iter().copied() {
        for (frame, score) in scores.iter().enumerate().take(end).skip(start) {
            while let Some((_, next)) = to_come.next_if(|(at, _)| *at <= frame) {
                speaker = *next;
            }
            timeline.set(frame, speaker, *score);
        }
    }
    timeline
}
