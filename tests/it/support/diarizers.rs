//! The diarizers whose models are present, and recordings for them.

use std::path::{Path, PathBuf};

use callannotate::audio::channels::plan;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::audio::time::Millis;
use callannotate::context::JobContext;
use callannotate::diarize::{
    Diarization, Diarize, SegmentationDiarizer, SegmentationOptions, SpeakerCount, TurnSmoothing, VadDiarizer, diarize_channels,
};
use callannotate::inference::Lanes;
use callannotate::jobs::options::ChannelMode;
use callannotate::voiceprint::VoiceprintModel;

use super::models::{shared_path, voice_encoder};

/// The speaker embedding to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    BuiltIn,
    Ge2e,
    CampPlus,
}

/// The embedding model, if its file is present.
pub fn voiceprint(voice: Voice) -> Option<VoiceprintModel> {
    let lanes = Lanes::new(2);
    match voice {
        Voice::BuiltIn => Some(VoiceprintModel::built_in(&lanes).unwrap()),
        Voice::Ge2e => {
            let path = voice_encoder()?;
            Some(VoiceprintModel::load(&path, &lanes).unwrap())
        }
        Voice::CampPlus => {
            let path = shared_path("models/speaker/campplus-zh-en.onnx")?;
            Some(VoiceprintModel::load(&path, &lanes).unwrap())
        }
    }
}

/// The diarizer without a segmentation model.
pub fn without_segmentation(voice: Voice) -> Option<Box<dyn Diarize>> {
    Some(Box::new(VadDiarizer::new(voiceprint(voice)?, TurnSmoothing::default())))
}

/// The diarizer with a segmentation model, if that is present.
pub fn with_segmentation(voice: Voice) -> Option<Box<dyn Diarize>> {
    let path = shared_path("models/segmentation/segmentation-3.0.onnx")?;
    let diarizer = SegmentationDiarizer::load(&path, voiceprint(voice)?, &Lanes::new(2), SegmentationOptions::default());
    Some(Box::new(diarizer.unwrap()))
}

/// The path of a sample call.
pub fn call(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name)
}

/// Diarizes a file as the pipeline does.
pub fn diarize_file(diarizer: &mut dyn Diarize, path: &Path, count: SpeakerCount) -> (Diarization, Millis) {
    let ctx = JobContext::detached();
    let recording = decode(path, &DecodeLimits::default(), &ctx).unwrap();
    let plan = plan(recording.channels, ChannelMode::Auto).unwrap();
    let signals: Vec<_> =
        plan.signals().iter().map(|signal| (signal.channel().map(|channel| channel as u16), &signal.audio)).collect();
    (diarize_channels(diarizer, &ctx, &signals, count).unwrap(), recording.source.duration)
}
