//! Whisper through whisper.cpp: the model's context is loaded once and kept, a decoder state is made for each window.
//!
//! Besides `callbacks.rs` the only file that names `whisper_rs`. What is decided here is how the model is run; which audio it
//! gets, what becomes of its tokens and what is told of it are pure functions beside this file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters,
    WhisperSegment,
};

use super::callbacks::Hooks;
use super::packing::{Packing, Window, pack};
use super::schedule::{self, Progress};
use super::words::{Phrase, Token};
use super::{Language, Signal, Transcribe, TranscribeError, TranscribeOptions, Transcript, assemble, language, prompt};
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::models::ModelInfo;
use crate::models::ggml::{self, GgmlError, WhisperHeader};

/// Samples of one frame of the encoder: 20 ms.
const FRAME: usize = 320;
/// Samples of one of whisper.cpp's units of time: 10 ms.
const TICK: usize = 160;
/// Frames that the encoder gets beyond the end of a short window. Without them (it was trained on thirty seconds, always) the
/// model repeats itself at the end; with them nothing is lost, and a short window costs less.
const FRAMES_AFTER: usize = 256;
/// Candidates when a window has to be decoded again with some randomness; whisper.cpp's own default.
const CANDIDATES: i32 = 5;

/// How to run the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhisperSettings {
    /// Windows worked on at once, each by one thread; at least 1.
    pub threads: usize,
}

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not what it should be.
    #[error("the transcription model {name} can't be used: {reason}")]
    File {
        /// The file's name without its folder.
        name: String,
        /// What is wrong with it.
        #[source]
        reason: GgmlError,
    },
    /// whisper.cpp refused it.
    #[error("the transcription model {name} can't be used: whisper.cpp does not take it ({reason})")]
    Engine {
        /// The file's name without its folder.
        name: String,
        /// What it said.
        reason: String,
    },
}

/// A Whisper model in memory.
pub struct WhisperTranscriber {
    context: WhisperContext,
    header: WhisperHeader,
    /// Whether it is known which attention heads follow the audio, so that word times can be read off them.
    aligned: bool,
    threads: usize,
    info: ModelInfo,
}

/// One window and the signal it belongs to.
struct Work {
    signal: usize,
    window: Window,
}

impl WhisperTranscriber {
    /// Loads a model in ggml format.
    ///
    /// # Errors
    /// When the file is not a whole Whisper model; nothing that is in it can end the process.
    pub fn load(path: &Path, settings: WhisperSettings) -> Result<Self, LoadError> {
        // What whisper.cpp and ggml write goes to `tracing`; whisper-rs does this once however often it is called.
        whisper_rs::install_logging_hooks();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let header = ggml::inspect(path).map_err(|reason| LoadError::File { name: name.clone(), reason })?;
        let preset = alignment(header, &name);
        let mut parameters = WhisperContextParameters::default();
        let aligned = preset.is_some();
        if let Some(model_preset) = preset {
            parameters.dtw_parameters(DtwParameters { mode: DtwMode::ModelPreset { model_preset }, ..DtwParameters::default() });
        }
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|error| LoadError::Engine { name: name.clone(), reason: error.to_string() })?;
        let info = ModelInfo { name, framework: "whisper.cpp", device: "cpu", license: None };
        Ok(Self { context, header, aligned, threads: settings.threads.max(1), info })
    }

    /// The language to decode in: the one asked for where the model knows it, else the one that is heard.
    fn choose_language(
        &self,
        signals: &[Signal<'_>],
        work: &[Work],
        asked: Option<&str>,
        warnings: &mut Vec<String>,
    ) -> Result<Language, TranscribeError> {
        if let Some(asked) = asked.map(language::primary) {
            if self.can_speak(&asked) {
                return Ok(Language { code: asked, confidence: 1.0 });
            }
            warnings.push(language::not_spoken(&asked, !self.header.is_multilingual()));
        }
        if !self.header.is_multilingual() {
            return Ok(Language { code: "en".to_owned(), confidence: 1.0 });
        }
        // The fullest window says most; of equally full ones the first.
        let Some(fullest) = work.iter().rev().max_by_key(|work| work.window.len()) else {
            return Ok(Language { code: "en".to_owned(), confidence: 0.0 });
        };
        let samples = fullest.window.samples(signals[fullest.signal].audio.samples());
        let mut state = self.context.create_state().map_err(engine)?;
        state.pcm_to_mel(&samples, 1).map_err(engine)?;
        let (index, probabilities) = state.lang_detect(0, 1).map_err(engine)?;
        let code = whisper_rs::get_lang_str(index).unwrap_or("en").to_owned();
        let confidence = usize::try_from(index).ok().and_then(|index| probabilities.get(index)).copied().unwrap_or(0.0);
        Ok(Language { code, confidence })
    }

    /// How every window of a job is decoded.
    fn parameters<'p>(&self, options: &TranscribeOptions, language: &'p str, prompt: &'p [i32]) -> FullParams<'p, 'p> {
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: CANDIDATES });
        parameters.set_n_threads(1);
        // An error in one window must not spread to the next; and windows are decoded in any order.
        parameters.set_no_context(true);
        // Timestamps stay on: without them whisper.cpp gives up the rest of a window when the model ends a sentence early.
        // Sounds in brackets are not forbidden but left out afterwards: a model that may not write `[Music]` writes worse, and is
        // asked again and again (hold music then cost fifty times as much).
        parameters.set_suppress_nst(false);
        parameters.set_token_timestamps(!self.aligned);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_special(false);
        parameters.set_print_timestamps(false);
        parameters.set_tokens(prompt);
        if self.header.is_multilingual() {
            parameters.set_translate(options.translate);
            // whisper-rs leaks the few bytes of this string, so it is set once a job and not once a window.
            parameters.set_language(Some(language));
        }
        parameters
    }

    /// Decodes one window.
    fn decode(&self, parameters: FullParams<'_, '_>, samples: &[f32], hooks: &Hooks<'_>) -> Result<Vec<Phrase>, TranscribeError> {
        let frames = (samples.len().div_ceil(FRAME) + FRAMES_AFTER).next_multiple_of(64);
        let all = usize::try_from(self.context.n_audio_ctx()).unwrap_or(0);
        // The parameters live no longer than the hooks from here on.
        let mut parameters = parameters;
        parameters.set_audio_ctx(i32::try_from(frames.min(all)).unwrap_or(0));
        hooks.install(&mut parameters);
        // A state of its own: what a state leaves behind (its random numbers) would make the text depend on which worker took which
        // window before.
        let mut state = self.context.create_state().map_err(engine)?;
        state.full(parameters, samples).map_err(engine)?;
        Ok(state.as_iter().map(|segment| self.phrase(&segment)).collect())
    }

    fn phrase(&self, segment: &WhisperSegment<'_>) -> Phrase {
        let end_of_text = self.context.token_eot();
        let span = samples(segment.start_timestamp())..samples(segment.end_timestamp());
        let mut before = span.start;
        let mut tokens = Vec::new();
        for token in (0..segment.n_tokens()).filter_map(|index| segment.get_token(index)) {
            let data = token.token_data();
            let Ok(bytes) = token.to_bytes() else { continue };
            if data.id >= end_of_text {
                continue;
            }
            // whisper.cpp's alignment gives the time at which a token has been said: the next one begins there.
            let said = if self.aligned { before..samples(data.t_dtw).max(before) } else { samples(data.t0)..samples(data.t1) };
            before = said.end;
            tokens.push(Token { bytes: bytes.to_vec(), probability: data.p, span: said });
        }
        Phrase { tokens, span, no_speech: segment.no_speech_probability() }
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
        let work: Vec<Work> = signals
            .iter()
            .enumerate()
            .flat_map(|(signal, Signal { audio, speech })| {
                pack(audio.samples(), speech, Packing::default()).into_iter().map(move |window| Work { signal, window })
            })
            .collect();
        let mut warnings = Vec::new();
        let language = self.choose_language(signals, &work, options.language.as_deref(), &mut warnings)?;
        ctx.check()?;
        if options.translate && !self.header.is_multilingual() {
            warnings.push(language::NO_TRANSLATION.to_owned());
        }
        let prompt = prompt::text(options).map_or(Ok(Vec::new()), |text| {
            // Never more tokens than bytes: whisper-rs trusts this bound.
            self.context.tokenize(&text, text.len() + 1).map_err(engine)
        })?;
        let parameters = self.parameters(options, &language.code, &prompt);
        let tell = |percent| ctx.report(Stage::Transcription, percent);
        let progress = Progress::new(work.iter().map(|work| work.window.len()).collect(), &tell);
        let give_up = AtomicBool::new(false);
        let must_stop = || ctx.stop().is_raised() || give_up.load(Ordering::Acquire);
        let decoded = schedule::run(work.len(), self.threads, &give_up, |index| {
            ctx.check()?;
            let Work { signal, window } = &work[index];
            let told = |percent| progress.report(index, percent);
            let hooks = Hooks { must_stop: &must_stop, progress: &told };
            let result = self.decode(parameters.clone(), &window.samples(signals[*signal].audio.samples()), &hooks);
            // whisper.cpp reports an abort as some error: the stop signal knows better.
            ctx.check()?;
            progress.report(index, 100);
            result
        })?;
        let windows = work.into_iter().zip(decoded).map(|(work, phrases)| (work.signal, work.window, phrases));
        let mut transcripts = assemble::transcripts(signals, windows, &language);
        if !self.header.is_multilingual()
            && let Some(mean) = language::sounds_foreign(transcripts.iter().flat_map(|transcript| &transcript.words))
        {
            warnings.push(language::foreign(mean));
        }
        if let Some(first) = transcripts.first_mut() {
            first.warnings = warnings;
        }
        ctx.report(Stage::Transcription, 100);
        Ok(transcripts)
    }

    fn can_speak(&self, language: &str) -> bool {
        self.languages().contains(&language::primary(language))
    }

    fn languages(&self) -> Vec<String> {
        if !self.header.is_multilingual() {
            return vec!["en".to_owned()];
        }
        // The last language of whisper.cpp's table came with the largest vocabulary.
        let known = i32::try_from(self.header.vocabulary).unwrap_or(0) - 51_766;
        (0..known).filter_map(whisper_rs::get_lang_str).map(str::to_owned).collect()
    }

    fn model(&self) -> ModelInfo {
        self.info.clone()
    }
}

/// A time of whisper.cpp in samples; times that it did not set are negative.
fn samples(ticks: i64) -> usize {
    usize::try_from(ticks).unwrap_or(0).saturating_mul(TICK)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn engine(error: whisper_rs::WhisperError) -> TranscribeError {
    TranscribeError::Engine(error.to_string())
}

/// Which attention heads follow the audio: known for OpenAI's own models, told apart by their dimensions. Other models get
/// whisper.cpp's estimate of word times, which is coarser.
fn alignment(header: WhisperHeader, name: &str) -> Option<DtwModelPreset> {
    let multilingual = header.is_multilingual();
    Some(match (header.audio_layers, header.text_layers, header.state, multilingual) {
        (4, 4, 384, false) => DtwModelPreset::TinyEn,
        (4, 4, 384, true) => DtwModelPreset::Tiny,
        (6, 6, 512, false) => DtwModelPreset::BaseEn,
        (6, 6, 512, true) => DtwModelPreset::Base,
        (12, 12, 768, false) => DtwModelPreset::SmallEn,
        (12, 12, 768, true) => DtwModelPreset::Small,
        (24, 24, 1024, false) => DtwModelPreset::MediumEn,
        (24, 24, 1024, true) => DtwModelPreset::Medium,
        (32, 32, 1280, true) if header.mels == 128 => DtwModelPreset::LargeV3,
        (32, 32, 1280, true) if name.contains("v1") => DtwModelPreset::LargeV1,
        (32, 32, 1280, true) => DtwModelPreset::LargeV2,
        (32, 4, 1280, true) => DtwModelPreset::LargeV3Turbo,
        _ => return None,
    })
}
