//! Diarization with the segmentation model: windows, subsegments, embeddings, clustering, stitching.

use std::path::Path;

use super::calibration::Calibration;
use super::clustering::{Voices, cluster_speakers};
use super::constraints::{PairConstraints, activities};
use super::line_directions::LineDirections;
use super::segmentation::{STEP, Segmentation};
use super::speaker_voiceprints::add_voiceprints;
use super::stitching::stitch;
use super::subsegments::{Subsegment, aggregate};
use super::tonality::Tonality;
use super::turns::{TurnSmoothing, turns};
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::{Audio, SAMPLE_RATE};
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::inference::{InferenceError, Lanes};
use crate::jobs::stage::Stage;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Percentage of the stage's progress for running the windows.
const WINDOWS_SHARE: usize = 75;
/// Subsegments embedded between two checks of the stop signal.
const BLOCK: usize = 48;
/// Minimum duration of a subsegment for an embedding, in seconds.
const SHORTEST_VOICE_SECONDS: f32 = 0.4;

/// Options of the diarizer with a segmentation model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentationOptions {
    /// Seconds between windows, 0.1 to 10; up to 5 each moment is covered by two windows.
    pub hop_seconds: f32,
    /// How pauses are closed and short turns dropped.
    pub smoothing: TurnSmoothing,
}

impl Default for SegmentationOptions {
    fn default() -> Self {
        Self { hop_seconds: 4.0, smoothing: TurnSmoothing::default() }
    }
}

/// The diarizer that uses a segmentation model and a speaker model.
#[derive(Debug)]
pub struct SegmentationDiarizer {
    segmentation: Segmentation,
    voiceprint: VoiceprintModel,
    options: SegmentationOptions,
}

impl SegmentationDiarizer {
    /// Loads the segmentation model and combines it with a speaker model.
    ///
    /// # Errors
    /// When the file is not a segmentation model.
    pub fn load(
        path: &Path,
        voiceprint: VoiceprintModel,
        lanes: &Lanes,
        options: SegmentationOptions,
    ) -> Result<Self, InferenceError> {
        Ok(Self { segmentation: Segmentation::load(path, lanes)?, voiceprint, options })
    }

    /// The same with the licence of the segmentation model, as an SPDX identifier; the file does not contain it.
    #[must_use]
    pub fn with_license(mut self, license: Option<&'static str>) -> Self {
        self.segmentation.set_license(license);
        self
    }

    /// Embeddings and mean features of the subsegments.
    fn voices(&mut self, ctx: &JobContext, features: &Features, subsegments: &[Subsegment]) -> Result<Voices, DiarizeError> {
        let line = LineDirections::of(&self.voiceprint.info().name);
        let mut voices = Voices::default();
        for block in subsegments.chunks(BLOCK) {
            ctx.check()?;
            let frames: Vec<Vec<usize>> = block.iter().map(|subsegment| frames_of(subsegment, features)).collect();
            let vectors = self.voiceprint.embed_many(features, &frames, Effort::Quick);
            let mut vectors = vectors.map_err(|error| DiarizeError::Model(error.to_string()))?;
            vectors.iter_mut().flatten().for_each(|vector| line.remove_from(vector));
            voices.embeddings.extend(vectors);
            for frames in &frames {
                voices.spectra.push(features.mean(frames)?);
            }
            let share = WINDOWS_SHARE * subsegments.len() / (100 - WINDOWS_SHARE);
            ctx.report_part(Stage::Diarization, share + voices.spectra.len(), share + subsegments.len());
        }
        Ok(voices)
    }
}

/// Feature frames of a subsegment; empty if it is too short.
fn frames_of(subsegment: &Subsegment, features: &Features) -> Vec<usize> {
    if subsegment.seconds() < SHORTEST_VOICE_SECONDS {
        return Vec::new();
    }
    subsegment.parts.iter().flat_map(|(start, end)| features.frames_between(start * STEP, end * STEP)).collect()
}

impl Diarize for SegmentationDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let hop = (f64::from(self.options.hop_seconds.clamp(0.1, 10.0)) * f64::from(SAMPLE_RATE)) as usize;
        let mut windows = self.segmentation.windows(ctx, audio, hop, WINDOWS_SHARE)?;
        let tonality = Tonality::of(ctx, audio)?;
        for window in &mut windows {
            tonality.silence(window);
        }
        let aggregated = aggregate(&windows, audio.len() / STEP + 1);
        if aggregated.speaker_count.iter().all(|count| *count == 0) {
            return Ok(Diarization::default());
        }
        let features = Features::of(self.voiceprint.kind(), audio)?;
        let voices = self.voices(ctx, &features, &aggregated.subsegments)?;
        ctx.check()?;
        let activities: Vec<_> = windows.iter().map(|window| activities(window, &aggregated.subsegments)).collect();
        let constraints = PairConstraints::of(aggregated.subsegments.len(), &activities);
        let speakers =
            cluster_speakers(&aggregated.subsegments, &voices, &constraints, &Calibration::of(self.voiceprint.kind()), count);
        let timeline = stitch(&windows, &activities, &aggregated, &speakers);
        let (mut diarization, _) = turns(&timeline, audio.duration(), self.options.smoothing);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![self.segmentation.info(), self.voiceprint.info()]
    }
}
