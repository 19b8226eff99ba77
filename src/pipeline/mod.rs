//! Runs the stages in order and decides what a failing stage means for the job.
//!
//! Validation, preprocessing and annotation must succeed. Any other stage that cannot run or fails is reported in the result
//! and in its warnings, and the following stages run without its findings; a `strict` job fails instead. No stage is ever
//! skipped silently.

mod build;
mod error;
#[cfg(feature = "faults")]
mod faults;
mod first_use;
mod prepare;
mod quality;
mod report;
mod slots;
mod task;

use crate::annotate::{self, Findings};
use crate::audio::decode::DecodeLimits;
use crate::audio::time::{Millis, TimeSpan};
use crate::capabilities::{HarmfulModel, StageInfo};
use crate::config::JobDefaults;
use crate::context::JobContext;
use crate::diarize::{self, Diarization, DiarizeError, SpeakerCount};
use crate::document::Document;
use crate::jobs::stage::Stage;
use crate::recognize::Identity;
use crate::stop::Stopped;
use crate::transcribe::{Signal, TranscribeError, TranscribeOptions, Transcript};

pub use build::{builder, builder_with};
pub use error::PipelineError;
use error::signal_error;
use first_use::FirstUses;
use prepare::{ChannelSignal, preprocess, validate};
use report::Reports;
pub use slots::{Slot, Stages};
pub use task::Task;

/// All stages; takes one recording at a time.
pub struct Pipeline {
    stages: Stages,
    defaults: JobDefaults,
    limits: DecodeLimits,
    files: String,
    first_uses: FirstUses,
    harmful: Vec<HarmfulModel>,
    /// Why diarization counts the speakers who share a channel worse than it could; none when it does not.
    miscounts: Option<String>,
    current: Option<Stage>,
}

/// A stage's findings; none when it was skipped or failed in a job that is not strict.
type Found<T> = Result<Option<T>, PipelineError>;

impl Pipeline {
    /// A pipeline of these stages, with the defaults for options that a job leaves open.
    pub fn new(stages: Stages, defaults: JobDefaults, limits: DecodeLimits) -> Self {
        let (files, first_uses) = (String::new(), FirstUses::none());
        Self { stages, defaults, limits, files, first_uses, harmful: Vec::new(), miscounts: None, current: None }
    }

    /// The same with a text that identifies the model files and how they are run; it becomes part of [`Self::identity`].
    #[must_use]
    pub fn with_files(self, files: String) -> Self {
        Self { files, ..self }
    }

    /// The same with notes about the first use of models, and with the models that are passed over because they ended the process.
    #[must_use]
    fn with_trials(self, first_uses: FirstUses, harmful: Vec<HarmfulModel>) -> Self {
        Self { first_uses, harmful, ..self }
    }

    /// The same with the reason why diarization counts the speakers who share a channel worse than it could, if there is one.
    #[must_use]
    fn with_miscounts(self, miscounts: Option<String>) -> Self {
        Self { miscounts, ..self }
    }

    /// The models that are passed over because they ended the process before.
    pub fn harmful_models(&self) -> &[HarmfulModel] {
        &self.harmful
    }

    /// What a recording may be at most.
    pub fn limits(&self) -> &DecodeLimits {
        &self.limits
    }

    /// Identifies everything that results depend on, besides the recording and the job's options.
    pub fn identity(&self) -> String {
        format!("{:?} {:?} {:?} {}", self.defaults, self.limits, self.stages(), self.files)
    }

    /// For each stage that uses models: whether it can run, and with which models.
    pub fn stages(&self) -> Vec<StageInfo> {
        let info = |stage, slot: Slot<Vec<_>>| match slot {
            Slot::Ready(models) => StageInfo { stage, missing: None, limitation: None, models },
            Slot::Missing(reason) => StageInfo { stage, missing: Some(reason), limitation: None, models: Vec::new() },
        };
        let diarization = info(Stage::Diarization, self.stages.diarize.map(|diarizer| diarizer.models()));
        vec![
            StageInfo { limitation: self.miscounts.clone(), ..diarization },
            info(Stage::Transcription, self.stages.transcribe.map(|transcriber| vec![transcriber.model()])),
            info(Stage::Recognition, self.stages.recognize.map(|recognizer| vec![recognizer.model()])),
        ]
    }

    /// The languages that can be transcribed, as ISO 639-1 codes; empty without a transcriber.
    pub fn languages(&self) -> Vec<String> {
        match &self.stages.transcribe {
            Slot::Ready(transcriber) => transcriber.languages(),
            Slot::Missing(_) => Vec::new(),
        }
    }

    /// The stage that was started last, to say where a panic happened.
    pub fn current_stage(&self) -> Option<Stage> {
        self.current
    }

    /// Annotates one recording.
    ///
    /// # Errors
    /// When the recording cannot be decoded, when the job is stopped, or when a stage fails that must succeed.
    pub fn run(&mut self, ctx: &JobContext, task: &Task<'_>) -> Result<Document, PipelineError> {
        let mut reports = Reports::default();
        let identified = self.stage(ctx, Stage::Validation, &mut reports, |pipeline, reports| {
            let identified = validate(&pipeline.limits, task)?;
            reports.completed(None);
            Ok(identified)
        })?;
        let (signals, source) = self.stage(ctx, Stage::Preprocessing, &mut reports, |pipeline, reports| {
            let prepared = preprocess(&pipeline.limits, ctx, (task.recording, &identified), task.options.channels, reports)?;
            reports.completed(None);
            Ok(prepared)
        })?;
        let diarization = self
            .stage(ctx, Stage::Diarization, &mut reports, |pipeline, reports| pipeline.diarize(ctx, task, &signals, reports))?;
        let transcripts = self.stage(ctx, Stage::Transcription, &mut reports, |pipeline, reports| {
            pipeline.transcribe(ctx, task, &signals, diarization.as_ref(), reports)
        })?;
        let diarization =
            diarization.unwrap_or_else(|| annotate::speakers_without_diarization(transcripts.as_deref().unwrap_or_default()));
        let identities = self
            .stage(ctx, Stage::Recognition, &mut reports, |pipeline, reports| pipeline.recognize(task, &diarization, reports))?;
        self.stage(ctx, Stage::CarddavLookup, &mut reports, |pipeline, reports| pipeline.look_up_contacts(task, reports))?;
        self.stage(ctx, Stage::Annotation, &mut reports, |_, reports| {
            reports.completed(None);
            Ok(())
        })?;
        let (reports, warnings) = reports.into_parts();
        Ok(annotate::annotate(Findings {
            source: &source,
            size_bytes: task.size_bytes,
            sha256: task.sha256,
            diarization: &diarization,
            transcripts: transcripts.as_deref(),
            identities: identities.as_deref().unwrap_or_default(),
            contacts_searched: false,
            channel_roles: &task.options.channel_roles,
            publish_words: task.options.word_timestamps,
            reports,
            warnings,
        }))
    }

    /// Runs one stage: reports its progress and records how it ended and how long it took.
    fn stage<T>(
        &mut self,
        ctx: &JobContext,
        stage: Stage,
        reports: &mut Reports,
        run: impl FnOnce(&mut Self, &mut Reports) -> Result<T, PipelineError>,
    ) -> Result<T, PipelineError> {
        ctx.check()?;
        self.current = Some(stage);
        reports.begin(stage);
        ctx.report(stage, 0);
        let found = run(self, reports)?;
        reports.end();
        ctx.report(stage, 100);
        Ok(found)
    }

    fn diarize(
        &mut self,
        ctx: &JobContext,
        task: &Task<'_>,
        signals: &[ChannelSignal],
        reports: &mut Reports,
    ) -> Found<Diarization> {
        if !task.options.diarize.unwrap_or(self.defaults.diarize) {
            return Ok(reports.switched_off());
        }
        let diarizer = match &mut self.stages.diarize {
            Slot::Ready(diarizer) => diarizer,
            Slot::Missing(reason) => return reports.missing(reason, task.options.strict),
        };
        let count = task.options.speakers.map_or(SpeakerCount::UNKNOWN, |range| SpeakerCount { min: range.min, max: range.max });
        let inputs: Vec<_> = signals.iter().map(|signal| (signal.channel, &signal.audio)).collect();
        let in_use = self.first_uses.begin(Stage::Diarization);
        let found = diarize::diarize_channels(diarizer.as_mut(), ctx, &inputs, count);
        if found.is_ok() {
            in_use.went_well();
        }
        match found {
            Ok(diarization) => {
                reports.completed(diarizer.models().first());
                let shares_a_channel = signals.iter().any(|signal| signal.channel.is_none());
                if let Some(reason) = &self.miscounts
                    && shares_a_channel
                    && count.given().is_none()
                    && !diarization.speakers.is_empty()
                {
                    reports.warn(format!("{} was limited: {reason}", Stage::Diarization.name()));
                }
                Ok(Some(diarization))
            }
            Err(DiarizeError::Stopped(Stopped)) => Err(PipelineError::Stopped),
            Err(DiarizeError::Signal(error)) => Err(signal_error(Stage::Diarization, error)),
            Err(error @ DiarizeError::Model(_)) => reports.failed(&error.to_string(), task.options.strict),
        }
    }

    fn transcribe(
        &mut self,
        ctx: &JobContext,
        task: &Task<'_>,
        signals: &[ChannelSignal],
        diarization: Option<&Diarization>,
        reports: &mut Reports,
    ) -> Found<Vec<(Option<u16>, Transcript)>> {
        #[cfg(feature = "faults")]
        faults::strike(task.sha256);
        let transcriber = match &mut self.stages.transcribe {
            Slot::Ready(transcriber) => transcriber,
            Slot::Missing(reason) => return reports.missing(reason, task.options.strict),
        };
        let options = TranscribeOptions {
            language: task.options.language.clone().or_else(|| self.defaults.language.clone()),
            translate: task.options.translate,
            prompt: task.options.prompt.clone(),
            hotwords: task.options.hotwords.clone(),
        };
        if let Some(language) = &options.language
            && task.options.strict
            && !transcriber.can_speak(language)
        {
            let cause = format!("the model {} does not know the language {language}", transcriber.model().name);
            return Err(PipelineError::ModelUnavailable { stage: Stage::Transcription, cause });
        }
        let speech: Vec<Vec<TimeSpan>> = signals
            .iter()
            .map(|signal| match diarization {
                Some(diarization) => diarize::speech_regions(&on_channel(diarization, signal.channel), signal.audio.duration()),
                None => TimeSpan::new(Millis::ZERO, signal.audio.duration()).into_iter().collect(),
            })
            .collect();
        let inputs: Vec<Signal<'_>> =
            signals.iter().zip(&speech).map(|(signal, speech)| Signal { audio: &signal.audio, speech }).collect();
        let in_use = self.first_uses.begin(Stage::Transcription);
        let found = transcriber.transcribe(&in_use.until_progress(ctx), &inputs, &options);
        if found.is_ok() {
            in_use.went_well();
        }
        match found {
            Ok(transcripts) => {
                reports.completed(Some(&transcriber.model()));
                for warning in transcripts.iter().flat_map(|transcript| &transcript.warnings) {
                    reports.warn(warning.clone());
                }
                Ok(Some(signals.iter().map(|signal| signal.channel).zip(transcripts).collect()))
            }
            Err(TranscribeError::Stopped(Stopped)) => Err(PipelineError::Stopped),
            Err(TranscribeError::Signal(error)) => Err(signal_error(Stage::Transcription, error)),
            Err(error @ TranscribeError::Engine(_)) => reports.failed(&error.to_string(), task.options.strict),
        }
    }

    fn recognize(&mut self, task: &Task<'_>, diarization: &Diarization, reports: &mut Reports) -> Found<Vec<Identity>> {
        if !task.options.recognize.unwrap_or(self.defaults.recognize) {
            return Ok(reports.switched_off());
        }
        let recognizer = match &mut self.stages.recognize {
            Slot::Ready(recognizer) => recognizer,
            Slot::Missing(reason) => return reports.missing(reason, task.options.strict),
        };
        let voiceprints: Vec<_> = diarization.speakers.iter().map(|speaker| speaker.voiceprint.clone()).collect();
        let recognition = recognizer.recognize(&voiceprints);
        reports.completed(Some(&recognizer.model()));
        reports.warn_all(recognition.warnings);
        Ok(Some(recognition.identities))
    }

    fn look_up_contacts(&self, task: &Task<'_>, reports: &mut Reports) -> Result<(), PipelineError> {
        if !task.options.lookup_contacts.unwrap_or(self.defaults.lookup_contacts) {
            let _nothing: Option<()> = reports.switched_off();
            return Ok(());
        }
        let _nothing: Option<()> = reports.missing("no address book is configured", task.options.strict)?;
        Ok(())
    }
}

/// The turns on one channel; all turns when channels are not processed separately.
fn on_channel(diarization: &Diarization, channel: Option<u16>) -> Diarization {
    let here = |turn: &&diarize::SpeechTurn| {
        channel.is_none() || diarization.speakers.get(turn.speaker.0).is_some_and(|speaker| speaker.channel == channel)
    };
    Diarization { speakers: diarization.speakers.clone(), turns: diarization.turns.iter().filter(here).cloned().collect() }
}
