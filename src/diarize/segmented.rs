//! Diarization with the segmentation model: windows, local speakers, clustering, stitching.

use std::path::Path;

use super::clustering::assign;
use super::finish::add_voiceprints;
use super::followers;
use super::local::{LocalSpeaker, local_speakers};
use super::segmentation::{Segmentation, Window};
use super::stitching::stitch;
use super::tonality::Tonality;
use super::turns::{TIDYING, turns};
use super::voices::Calibration;
use super::{Diarization, Diarize, DiarizeError, SpeakerCount};
use crate::audio::{Audio, SAMPLE_RATE};
use crate::context::JobContext;
use crate::inference::{InferenceError, Lanes};
use crate::models::ModelInfo;
use crate::voiceprint::{Features, VoiceprintModel};

/// How the segmentation is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentedOptions {
    /// Seconds from one window to the next; 1 is best, 5 is the cheapest that still overlaps well.
    pub hop_seconds: f32,
}

impl Default for SegmentedOptions {
    fn default() -> Self {
        Self { hop_seconds: 1.0 }
    }
}

/// The diarizer for which a segmentation model is needed.
#[derive(Debug)]
pub struct SegmentedDiarizer {
    segmentation: Segmentation,
    voiceprint: VoiceprintModel,
    options: SegmentedOptions,
}

/// All that does not depend on the number of speakers.
struct Analysis {
    windows: Vec<Window>,
    features: Features,
    speakers: Vec<LocalSpeaker>,
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

    fn analyse(&mut self, ctx: &JobContext, audio: &Audio) -> Result<Analysis, DiarizeError> {
        let hop = (f64::from(self.options.hop_seconds.clamp(0.1, 10.0)) * f64::from(SAMPLE_RATE)) as usize;
        let mut windows = self.segmentation.windows(ctx, audio, hop, 50)?;
        let tonality = Tonality::of(ctx, audio)?;
        for window in &mut windows {
            tonality.silence(window);
        }
        let features = Features::of(self.voiceprint.kind(), audio)?;
        let speakers = local_speakers(ctx, &windows, &features, &mut self.voiceprint)?;
        Ok(Analysis { windows, features, speakers })
    }
}

impl Diarize for SegmentedDiarizer {
    fn diarize(&mut self, ctx: &JobContext, audio: &Audio, count: SpeakerCount) -> Result<Diarization, DiarizeError> {
        let Analysis { windows, features, speakers } = self.analyse(ctx, audio)?;
        ctx.check()?;
        let assignment = assign(&windows, &speakers, &Calibration::of(self.voiceprint.kind()), count);
        let timeline = stitch(&windows, &assignment, audio.len());
        let (mut diarization, _) = turns(&timeline, audio.duration(), TIDYING);
        add_voiceprints(ctx, &mut diarization, &features, &mut self.voiceprint)?;
        followers::divide(ctx, &mut diarization, audio, &features, &mut self.voiceprint)?;
        Ok(diarization)
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![self.segmentation.info(), self.voiceprint.info()]
    }
}
