//! Diarization without a segmentation model: voice activity, pieces, groups of voices. What a fresh machine runs.

use super::activity::{self, FRAME};
use super::finish::add_voiceprints;
use super::sliding::{self, Piece};
use super::turns::{TIDYING, Timeline, turns};
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::Audio;
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::models::ModelInfo;
use crate::voiceprint::{Effort, FeatureKind, Features, VoiceprintModel};

/// Pauses up to 0.3 s are no pauses, and speech is at least 0.2 s long; in frames.
const LONGEST_GAP: usize = 19;
const SHORTEST: usize = 12;
/// Groups that the pieces are joined into at first: more than there are people, few enough to have seconds of speech each.
const FIRST_GROUPS: usize = 10;
/// Pieces embedded between two looks at the stop signal.
const BLOCK: usize = 64;
/// Who speaks less than this in all is nobody; in frames (2 s).
const FEWEST_FRAMES: usize = 125;

/// The similarities that this diarizer decides by, for a kind of speaker model.
#[derive(Debug, Clone, Copy)]
struct Similarities {
    /// Pieces nearer than this are joined at once (distance).
    same: f32,
    /// Groups at least so similar are one person.
    alike: f32,
    /// What a change of speaker costs inside a stretch of speech, and the part of it that is due between two.
    change: f32,
    pause: f32,
}

impl Similarities {
    fn of(kind: FeatureKind) -> Self {
        let number = |name: &str, default: f32| std::env::var(name).ok().and_then(|t| t.parse().ok()).unwrap_or(default);
        match kind {
            FeatureKind::Mfcc40 => Self {
                same: number("SAME", 0.35),
                alike: number("ALIKE", 0.35),
                change: number("CHANGE", 0.6),
                pause: number("PAUSE", 0.4),
            },
            FeatureKind::Mel40 => Self {
                same: number("SAME", 0.35),
                alike: number("ALIKE", 0.5),
                change: number("CHANGE", 0.6),
                pause: number("PAUSE", 0.4),
            },
        }
    }
}

/// The diarizer that needs nothing but a speaker model.
#[derive(Debug)]
pub struct VoicedDiarizer {
    voiceprint: VoiceprintModel,
}

impl VoicedDiarizer {
    /// With any speaker model, the built-in one included.
    #[must_use]
    pub fn new(voiceprint: VoiceprintModel) -> Self {
        Self { voiceprint }
    }

    fn embed(&mut self, ctx: &JobContext, features: &Features, pieces: &[Piece]) -> Result<Vec<Option<Vec<f32>>>, DiarizeError> {
        let mut vectors = Vec::with_capacity(pieces.len());
        for block in pieces.chunks(BLOCK) {
            ctx.check()?;
            let frames: Vec<Vec<usize>> = block.iter().map(|piece| frames_of(features, piece).collect()).collect();
            vectors.extend(self.voices(features, &frames)?);
            ctx.report_part(Stage::Diarization, vectors.len(), pieces.len());
        }
        Ok(vectors)
    }

    fn voices(&mut self, features: &Features, frames: &[Vec<usize>]) -> Result<Vec<Option<Vec<f32>>>, DiarizeError> {
        self.voiceprint.embed_many(features, frames, Effort::Quick).map_err(|error| DiarizeError::Model(error.to_string()))
    }

    /// One voice for each person.
    fn persons(
        &mut self,
        features: &Features,
        pieces: &[Piece],
        vectors: &[Option<Vec<f32>>],
        count: SpeakerCount,
    ) -> Result<Vec<Vec<f32>>, DiarizeError> {
        let similarities = Similarities::of(self.voiceprint.kind());
        let groups = sliding::group(vectors, FIRST_GROUPS.max(count.min), similarities.same);
        let number = groups.iter().flatten().max().map_or(0, |most| most + 1);
        if number == 0 {
            return Ok(Vec::new());
        }
        let frames_of_groups = |wanted: &[usize]| -> Vec<usize> {
            let members = pieces.iter().zip(&groups).filter(|(_, group)| group.is_some_and(|group| wanted.contains(&group)));
            let mut frames: Vec<usize> = members.flat_map(|(piece, _)| frames_of(features, piece)).collect();
            frames.sort_unstable();
            frames.dedup();
            frames
        };
        let mut embed = |wanted: &[usize]| {
            let mut voices = self.voices(features, &[frames_of_groups(wanted)])?;
            Ok::<_, DiarizeError>(voices.pop().flatten().unwrap_or_default())
        };
        let persons = sliding::join_groups(number, (count.min, count.max), similarities.alike, &mut embed)?;
        let mut voices = Vec::new();
        for person in &persons {
            voices.push(embed(person)?);
        }
        let mut course = Vec::new();
        for _ in 0..3 {
            course = sliding::most_likely(pieces, vectors, &voices, similarities.change, similarities.pause);
            let sizes = sizes(pieces, &course, voices.len());
            let smallest = (0..voices.len()).min_by_key(|person| sizes[*person]);
            if let Some(smallest) =
                smallest.filter(|person| voices.len() > count.min && sizes[*person] < FEWEST_FRAMES && voices.len() > 1)
            {
                voices.remove(smallest);
                continue;
            }
        }
        drop(course);
        Ok(voices)
    }
}

/// How many frames each person has.
fn sizes(pieces: &[Piece], course: &[usize], persons: usize) -> Vec<usize> {
    let mut sizes = vec![0; persons];
    let mut until = 0;
    for (piece, person) in pieces.iter().zip(course) {
        sizes[*person] += piece.end - piece.start.max(until).min(piece.end);
        until = piece.end;
    }
    sizes
}

fn frames_of(features: &Features, piece: &Piece) -> std::ops::Range<usize> {
    features.frames_between(piece.start * FRAME, piece.end * FRAME)
}

impl Diarize for VoicedDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let scores = activity::scores(ctx, audio)?;
        let active = activity::active_frames(&scores);
        let stretches = activity::stretches(&active, LONGEST_GAP, SHORTEST);
        if stretches.is_empty() {
            return Ok(Diarization::default());
        }
        let features = Features::of(self.voiceprint.kind(), audio);
        let pieces = sliding::cut(&stretches);
        let vectors = self.embed(ctx, &features, &pieces)?;
        let voices = self.persons(&features, &pieces, &vectors, count)?;
        let similarities = Similarities::of(self.voiceprint.kind());
        let course = sliding::most_likely(&pieces, &vectors, &voices, similarities.change, similarities.pause);
        let mut timeline = Timeline::new(active.len(), voices.len().max(1), FRAME);
        for (index, piece) in pieces.iter().enumerate() {
            // Where pieces overlap, each has the half that is nearer to its middle.
            let with = |other: Option<&Piece>| other.filter(|other| other.stretch == piece.stretch).copied();
            let from = with(index.checked_sub(1).and_then(|before| pieces.get(before)))
                .map_or(piece.start, |before| before.end.midpoint(piece.start));
            let to = with(pieces.get(index + 1)).map_or(piece.end, |after| piece.end.midpoint(after.start));
            for frame in from..to {
                timeline.set(frame, course[index], scores.get(frame).copied().unwrap_or(0.0));
            }
        }
        let (mut diarization, _) = turns(&timeline, audio.duration(), TIDYING);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        let detector = ModelInfo { name: "earshot".to_owned(), framework: "earshot", device: "cpu", license: Some("Apache-2.0") };
        vec![detector, self.voiceprint.info()]
    }
}
