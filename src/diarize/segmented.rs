//! Diarization with the segmentation model: windows, stretches, voices, clustering, stitching.

use std::path::Path;

use super::clustering::persons;
use super::finish::add_voiceprints;
use super::links::{Links, sights};
use super::segmentation::{STEP, Segmentation};
use super::stitching::stitch;
use super::stretches::{Stretch, outline};
use super::tonality::Tonality;
use super::turns::{Tidying, turns};
use super::voices::Calibration;
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::{Audio, SAMPLE_RATE};
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::inference::{InferenceError, Lanes};
use crate::jobs::stage::Stage;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Percent of the stage that the windows take.
const WINDOWS_SHARE: usize = 75;
/// Stretches embedded between two looks at the stop signal.
const BLOCK: usize = 48;
/// A voice is not taken from less speech than this.
const SHORTEST_VOICE_SECONDS: f32 = 0.4;

/// How the segmentation is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentedOptions {
    /// Seconds from one window to the next, 0.1 to 10; up to 5 each moment is seen twice.
    pub hop_seconds: f32,
    /// How turns are cleaned up.
    pub tidying: Tidying,
}

impl Default for SegmentedOptions {
    fn default() -> Self {
        Self { hop_seconds: 4.0, tidying: Tidying::default() }
    }
}

/// The diarizer for which a segmentation model is needed.
#[derive(Debug)]
pub struct SegmentedDiarizer {
    segmentation: Segmentation,
    voiceprint: VoiceprintModel,
    options: SegmentedOptions,
}

impl SegmentedDiarizer {
    /// Loads the segmentation model and joins it with a speaker model.
    ///
    /// # Errors
    /// When the file is no segmentation model.
    pub fn load(
        path: &Path,
        voiceprint: VoiceprintModel,
        lanes: &Lanes,
        options: SegmentedOptions,
    ) -> Result<Self, InferenceError> {
        Ok(Self { segmentation: Segmentation::load(path, lanes)?, voiceprint, options })
    }

    /// The voice of each stretch that is long enough to have one.
    fn voices(
        &mut self,
        ctx: &JobContext,
        features: &Features,
        stretches: &[Stretch],
    ) -> Result<Vec<Option<Vec<f32>>>, DiarizeError> {
        let mut voices = Vec::with_capacity(stretches.len());
        for block in stretches.chunks(BLOCK) {
            ctx.check()?;
            let frames: Vec<Vec<usize>> = block.iter().map(|stretch| frames_of(stretch, features)).collect();
            let vectors = self.voiceprint.embed_many(features, &frames, Effort::Quick);
            voices.extend(vectors.map_err(|error| DiarizeError::Model(error.to_string()))?);
            let share = WINDOWS_SHARE * stretches.len() / (100 - WINDOWS_SHARE);
            ctx.report_part(Stage::Diarization, share + voices.len(), share + stretches.len());
        }
        Ok(voices)
    }
}

/// The feature frames of a stretch; none of one that is too short.
fn frames_of(stretch: &Stretch, features: &Features) -> Vec<usize> {
    if stretch.seconds() < SHORTEST_VOICE_SECONDS {
        return Vec::new();
    }
    stretch.parts.iter().flat_map(|(start, end)| features.frames_between(start * STEP, end * STEP)).collect()
}

impl Diarize for SegmentedDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let hop = (f64::from(self.options.hop_seconds.clamp(0.1, 10.0)) * f64::from(SAMPLE_RATE)) as usize;
        let mut windows = self.segmentation.windows(ctx, audio, hop, WINDOWS_SHARE)?;
        let tonality = Tonality::of(ctx, audio)?;
        for window in &mut windows {
            tonality.silence(window);
        }
        let outline = outline(&windows, audio.len() / STEP + 1);
        if outline.speaking.iter().all(|count| *count == 0) {
            return Ok(Diarization::default());
        }
        let features = Features::of(self.voiceprint.kind(), audio)?;
        let voices = self.voices(ctx, &features, &outline.stretches)?;
        ctx.check()?;
        let sights: Vec<_> = windows.iter().map(|window| sights(window, &outline.stretches)).collect();
        let links = Links::of(outline.stretches.len(), &sights);
        let persons = persons(&outline.stretches, &voices, &links, &Calibration::of(self.voiceprint.kind()), count);
        let timeline = stitch(&windows, &sights, &outline, &persons);
        let (mut diarization, _) = turns(&timeline, audio.duration(), self.options.tidying);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![self.segmentation.info(), self.voiceprint.info()]
    }
}
