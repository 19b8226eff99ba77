//! Builds the pipeline from the settings: finds the models, loads them, and falls back to what needs no model file.
//!
//! A model that the settings name must be usable, else its stage is unavailable. A model that was merely found and cannot be
//! used is replaced by the built-in alternative, with a warning in the log.

use std::path::Path;

use tracing::{error, warn};

use super::first_use::FirstUses;
use super::{Pipeline, Slot, Stages};
use crate::audio::decode::DecodeLimits;
use crate::audio::time::Millis;
use crate::capabilities::HarmfulModel;
use crate::config::Config;
use crate::diarize::{Diarize, SegmentationDiarizer, SegmentationOptions, TurnSmoothing, VadDiarizer};
use crate::inference::Lanes;
use crate::jobs::stage::Stage;
use crate::models::catalog::{Catalog, NotFound, PassedOver};
use crate::models::trials::Trials;
use crate::models::{ModelFile, ModelKind};
use crate::recognize::Recognizer;
use crate::transcribe::Transcribe;
use crate::transcribe::transcriber::{WhisperSettings, WhisperTranscriber};
use crate::voiceprint::VoiceprintModel;

/// Hint for users without a model.
const BRING_MODELS: &str = "`make models` or `callannotate models import` brings one, see docs/models.md";

/// What is lost without a segmentation model, after the reason why there is none.
const MISCOUNTS: &str = "so speakers who share a channel may be counted wrongly";

/// A function that builds the pipeline for these settings, to be called on the thread that will own it.
pub fn builder(config: &Config) -> impl FnOnce() -> Pipeline + Send + 'static {
    builder_with(config, Trials::none())
}

/// The same, without the models that ended the process before, and with notes about those that are new.
pub fn builder_with(config: &Config, trials: Trials) -> impl FnOnce() -> Pipeline + Send + 'static {
    let config = config.clone();
    move || build(&config, &trials)
}

fn build(config: &Config, trials: &Trials) -> Pipeline {
    let catalog = Models { catalog: Catalog::new(config.models().dirs).without_harmful(trials.clone()), trials: trials.clone() };
    let harmful = catalog.catalog.harmful();
    for passed in &harmful {
        let (file, reason) = (passed.path.display(), &passed.reason);
        error!(event = "model_passed_over", file = %file, reason, "A model file is passed over because it ended the server before");
    }
    let lanes = Lanes::new(config.engine.threads);
    let (diarize, miscounts) = match diarizer(config, &catalog, &lanes) {
        Ok(Diarizer { diarize, miscounts }) => (Slot::Ready(diarize), miscounts),
        Err(reason) => (Slot::Missing(reason), None),
    };
    let stages = Stages {
        diarize,
        transcribe: transcriber(config, &catalog).map_or_else(Slot::Missing, Slot::Ready),
        recognize: recognizer(config, &catalog, &lanes).map_or_else(Slot::Missing, Slot::Ready),
    };
    let limits = DecodeLimits {
        max_duration: config.files.max_duration,
        max_channels: config.files.max_channels,
        ..DecodeLimits::default()
    };
    let path = |kind| catalog.find(kind, config.models().preferred(kind)).ok().map(|file| file.path);
    let uses = |kinds: &[ModelKind]| kinds.iter().filter_map(|kind| path(*kind)).collect::<Vec<_>>();
    let first_uses = FirstUses::new(
        trials.clone(),
        vec![
            (Stage::Diarization, uses(&[ModelKind::Segmentation, ModelKind::Speaker])),
            (Stage::Transcription, uses(&[ModelKind::Whisper])),
        ],
    );
    Pipeline::new(stages, config.job_defaults(), limits)
        .with_files(files(config, &catalog))
        .with_miscounts(miscounts)
        .with_trials(first_uses, harmful.into_iter().map(harmful_model).collect())
}

fn harmful_model(passed: PassedOver) -> HarmfulModel {
    HarmfulModel { kind: passed.kind.folder(), file: passed.path.display().to_string(), reason: passed.reason }
}

/// The models of this server, and the notes about those that were not in use before.
struct Models {
    catalog: Catalog,
    trials: Trials,
}

impl Models {
    fn find(&self, kind: ModelKind, preferred: Option<&str>) -> Result<ModelFile, NotFound> {
        self.catalog.find(kind, preferred)
    }

    /// Loads a file. The note about it stays if that ends the process.
    fn load<T, E>(&self, path: &Path, load: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
        let loading = self.trials.load(path);
        #[cfg(feature = "faults")]
        super::faults::strike_load(path);
        let loaded = load(path);
        match &loaded {
            Ok(_) => loading.went_well(),
            Err(_) => loading.was_refused(),
        }
        loaded
    }
}

/// Identifies the model files and the settings that change results, for the fingerprint of checkpoints.
fn files(config: &Config, catalog: &Models) -> String {
    let stamps = ModelKind::all().filter_map(|kind| {
        let file = catalog.find(kind, config.models().preferred(kind)).ok()?;
        let modified = std::fs::metadata(&file.path).and_then(|meta| meta.modified()).ok();
        Some(format!("{} {} {modified:?}", file.path.display(), file.size_bytes))
    });
    let (threads, diarization, transcription) = (config.engine.threads, &config.diarization, &config.transcription);
    format!("threads {threads}; {diarization:?}; {transcription:?}; {}", stamps.collect::<Vec<_>>().join("; "))
}

/// The implementation of diarization.
struct Diarizer {
    diarize: Box<dyn Diarize>,
    /// Why it counts the speakers who share a channel worse than it could; none when it does not.
    miscounts: Option<String>,
}

/// The diarizer with the segmentation model when there is one, else the one by voice activity.
fn diarizer(config: &Config, catalog: &Models, lanes: &Lanes) -> Result<Diarizer, String> {
    let voiceprint = voiceprint(config, catalog, lanes)?;
    let smoothing = TurnSmoothing {
        longest_pause: Millis::from_seconds(config.diarization.longest_pause.as_secs_f64()),
        shortest_turn: Millis::from_seconds(config.diarization.shortest_turn.as_secs_f64()),
    };
    let named = config.models.segmentation.as_deref();
    let file = match catalog.find(ModelKind::Segmentation, named) {
        Ok(file) => file,
        Err(missing) if named.is_some() => return Err(missing.to_string()),
        Err(missing) => {
            let miscounts = Some(if missing.passed_over.is_empty() {
                format!("there is no segmentation model, {MISCOUNTS}; {BRING_MODELS}")
            } else {
                format!("{missing}, {MISCOUNTS}")
            });
            return Ok(Diarizer { diarize: Box::new(VadDiarizer::new(voiceprint, smoothing)), miscounts });
        }
    };
    let options = SegmentationOptions { smoothing, ..SegmentationOptions::default() };
    match catalog.load(&file.path, |path| SegmentationDiarizer::load(path, voiceprint, lanes, options)) {
        Ok(segmented) => Ok(Diarizer { diarize: Box::new(segmented.with_license(file.license)), miscounts: None }),
        Err(error) if named.is_some() => Err(unusable(&file, &error)),
        Err(error) => {
            let reason = unusable(&file, &error);
            warn!(
                event = "model_unusable",
                reason, "The segmentation model cannot be used; diarization falls back to voice activity"
            );
            let diarize = Box::new(VadDiarizer::new(self::voiceprint(config, catalog, lanes)?, smoothing));
            Ok(Diarizer { diarize, miscounts: Some(format!("{reason}, {MISCOUNTS}")) })
        }
    }
}

fn transcriber(config: &Config, catalog: &Models) -> Result<Box<dyn Transcribe>, String> {
    let file = catalog
        .find(ModelKind::Whisper, config.models.whisper.as_deref())
        .map_err(|missing| format!("{missing}; {BRING_MODELS}"))?;
    let settings = WhisperSettings { threads: config.engine.threads, denoise: config.transcription.denoise };
    let transcriber =
        catalog.load(&file.path, |path| WhisperTranscriber::load(path, settings)).map_err(|error| error.to_string())?;
    Ok(Box::new(transcriber.with_license(file.license)))
}

fn recognizer(config: &Config, catalog: &Models, lanes: &Lanes) -> Result<Recognizer, String> {
    let voiceprint = voiceprint(config, catalog, lanes)?;
    Ok(Recognizer::new(config.volume.path.join("models/embeddings"), &voiceprint, config.recognition.threshold))
}

/// The speaker model that the settings name; else the best one found; else the built-in voiceprint.
fn voiceprint(config: &Config, catalog: &Models, lanes: &Lanes) -> Result<VoiceprintModel, String> {
    let named = config.models.speaker.as_deref();
    let built_in = || VoiceprintModel::built_in(lanes).map_err(|error| format!("the built-in voiceprint: {error}"));
    match catalog.find(ModelKind::Speaker, named) {
        Ok(file) => match catalog.load(&file.path, |path| VoiceprintModel::load(path, lanes)) {
            Ok(model) => Ok(model),
            Err(error) if named.is_some() => Err(unusable(&file, &error)),
            Err(error) => {
                let reason = unusable(&file, &error);
                warn!(
                    event = "model_unusable",
                    reason, "The speaker model cannot be used; falling back to the built-in voiceprint"
                );
                built_in()
            }
        },
        Err(missing) if named.is_some() => Err(missing.to_string()),
        Err(_) => built_in(),
    }
}

fn unusable(file: &ModelFile, error: &dyn std::fmt::Display) -> String {
    format!("the model {} cannot be used: {error}", file.name)
}
