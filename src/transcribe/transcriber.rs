//! The transcriber: turns signals and their speech regions into transcripts, using the model of `whisper.rs`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::callbacks::Hooks;
use super::checkpoint::{self, WindowCheckpoints};
use super::chunk_samples::ChunkSamples;
use super::packing::{Chunk, Packing, pack};
use super::schedule::{self, Progress};
use super::whisper::{DETECTION, LoadError, Model};
use super::{Language, Signal, Transcribe, TranscribeError, TranscribeOptions, Transcript, assemble, language, prompt};
use crate::audio::time::Millis;
use crate::capabilities::ModelInfo;
use crate::context::JobContext;
use crate::jobs::stage::Stage;

/// How the model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhisperSettings {
    /// The number of chunks that are decoded at once, each by one thread; at least 1.
    pub threads: usize,
    /// Whether the samples are denoised for the model.
    pub denoise: bool,
}

/// A transcriber with a Whisper model.
pub struct WhisperTranscriber {
    model: Arc<Model>,
    settings: WhisperSettings,
    info: ModelInfo,
}

/// One chunk and the signal it belongs to.
struct Work {
    signal: usize,
    chunk: Chunk,
}

impl WhisperTranscriber {
    /// Loads a model in ggml format.
    ///
    /// # Errors
    /// When the file is not a complete Whisper model. A malformed file cannot abort the process.
    pub fn load(path: &Path, settings: WhisperSettings) -> Result<Self, LoadError> {
        let model = Arc::new(Model::load(path)?);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let info = ModelInfo { name, framework: "whisper.cpp", device: "cpu", license: None };
        Ok(Self { model, settings, info })
    }

    /// The same with the licence of the model, as an SPDX identifier; the file does not contain it.
    #[must_use]
    pub fn with_license(mut self, license: Option<&'static str>) -> Self {
        self.info.license = license;
        self
    }

    /// The language to decode in: the requested one if the model knows it, else the detected one.
    fn choose_language(
        &self,
        ctx: &JobContext,
        signals: &[Signal<'_>],
        work: &[Work],
        options: &TranscribeOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Language, TranscribeError> {
        let english_only = !self.model.is_multilingual();
        if let Some(asked) = options.language.as_deref().map(language::primary) {
            if self.can_speak(&asked) {
                return Ok(Language { code: asked, confidence: 1.0 });
            }
            warnings.push(language::not_spoken(&asked, english_only));
        }
        // The longest chunk is the most informative; among equally long ones the first.
        let longest = work.iter().rev().max_by_key(|work| work.chunk.len());
        let (false, Some(Work { signal, chunk })) = (english_only, longest) else {
            return Ok(Language { code: "en".to_owned(), confidence: 1.0 });
        };
        if let Some(recalled) = checkpoint::recall_language(ctx.checkpoints()) {
            return Ok(recalled);
        }
        let detected = schedule::run(1, 1, ctx.stop(), &Arc::default(), |_| {
            let model = Arc::clone(&self.model);
            let beginning = ChunkSamples::read(chunk, signals[*signal].audio, self.settings.denoise, DETECTION);
            let (stop, pulse) = (ctx.stop().clone(), ctx.pulse().clone());
            move || {
                let must_stop = || {
                    pulse.beat();
                    stop.is_raised()
                };
                model.detect(&beginning?.samples(&must_stop)?)
            }
        })?;
        let detected = detected.into_iter().next();
        let detected = detected.ok_or_else(|| TranscribeError::Engine("no language was detected".to_owned()))?;
        checkpoint::keep_language(ctx.checkpoints(), &detected);
        Ok(detected)
    }
}

impl Transcribe for WhisperTranscriber {
    fn transcribe(
        &mut self,
        ctx: &JobContext,
        signals: &[Signal<'_>],
        options: &TranscribeOptions,
    ) -> Result<Vec<Transcript>, TranscribeError> {
        ctx.check()?;
        let mut work: Vec<Work> = Vec::new();
        for (signal, Signal { audio, speech }) in signals.iter().enumerate() {
            work.extend(pack(audio, speech, Packing::default())?.into_iter().map(|chunk| Work { signal, chunk }));
        }
        let mut warnings = Vec::new();
        let language = self.choose_language(ctx, signals, &work, options, &mut warnings)?;
        if options.translate && !self.model.is_multilingual() {
            warnings.push(language::NO_TRANSLATION.to_owned());
        }
        let prompt = prompt::text(options);
        let decoding = Arc::new(self.model.decoding(&language.code, options.translate, prompt.as_deref())?);
        let give_up: Arc<AtomicBool> = Arc::default();
        let context = ctx.clone();
        let sink = Box::new(move |percent| context.report(Stage::Transcription, percent));
        let progress = Arc::new(Progress::new(work.iter().map(|work| work.chunk.len()).collect(), Arc::clone(&give_up), sink));
        let decoded = schedule::run(work.len(), self.settings.threads.max(1), ctx.stop(), &give_up, |index| {
            let Work { signal, chunk } = &work[index];
            let Signal { audio, speech } = signals[*signal];
            let samples = ChunkSamples::read(chunk, audio, self.settings.denoise, usize::MAX);
            let (chunk, speech) = (chunk.clone(), chunk.speech(speech));
            let (model, decoding) = (Arc::clone(&self.model), Arc::clone(&decoding));
            let (progress, give_up, stop) = (Arc::clone(&progress), Arc::clone(&give_up), ctx.stop().clone());
            let (checkpoints, pulse) = (WindowCheckpoints::new(ctx.checkpoints().clone(), index), ctx.pulse().clone());
            move || {
                let must_stop = || {
                    pulse.beat();
                    stop.is_raised() || give_up.load(Ordering::Acquire)
                };
                let report = |percent| progress.report(index, percent);
                let hooks = Hooks { must_stop: &must_stop, progress: &report };
                let samples = samples?.samples(&must_stop)?;
                let speech_between = |part| chunk.speech_between(part, &speech);
                let phrases = model.decode(&decoding, &samples, &speech_between, &checkpoints, &hooks)?;
                progress.report(index, 100);
                Ok(phrases)
            }
        })?;
        let chunks = work.into_iter().zip(decoded).map(|(work, phrases)| (work.signal, work.chunk, phrases));
        let mut transcripts = assemble::transcripts(signals, chunks, &language);
        if !self.model.is_multilingual() {
            let words = transcripts.iter().map(|transcript| transcript.words.len()).sum();
            let speech = signals.iter().flat_map(|signal| signal.speech).fold(Millis::ZERO, |sum, span| sum + span.duration());
            warnings.extend(language::hardly_english(words, speech));
        }
        if let Some(first) = transcripts.first_mut() {
            first.warnings = warnings;
        }
        ctx.report(Stage::Transcription, 100);
        Ok(transcripts)
    }

    fn can_speak(&self, language: &str) -> bool {
        self.model.languages().contains(&language::primary(language).as_str())
    }

    fn languages(&self) -> Vec<String> {
        self.model.languages().into_iter().map(str::to_owned).collect()
    }

    fn model(&self) -> ModelInfo {
        self.info.clone()
    }
}
