//! Whisper through whisper.cpp: the model's context is loaded once and kept, a decoder state is made for each pass.
//!
//! Besides `callbacks.rs` the only file that names `whisper_rs`. What is decided here is how the model is run; which audio it
//! gets, what becomes of its tokens and what is told of it are decided beside this file.

use std::ops::Range;
use std::path::Path;

use whisper_rs::{
    DtwAhead, DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters,
    WhisperState,
};

use super::callbacks::Hooks;
use super::checkpoint::WindowCheckpoints;
use super::pass::{Pass, PassReader, Said};
use super::windows::Windows;
use super::words::Phrase;
use super::{Language, TranscribeError};
use crate::audio::SAMPLE_RATE;
use crate::audio::time::Millis;
use crate::models::ggml::{self, GgmlError, WhisperHeader};

/// Samples of one frame of the encoder: 20 ms.
const FRAME: usize = 320;
/// Samples of one of whisper.cpp's units of time: 10 ms.
const TICK: usize = 160;
/// Frames that the encoder gets beyond the end of a window. Without them (it was trained on thirty seconds, always) the model
/// repeats itself at the end; with them nothing is lost. A short window needs more: half of what it was trained on.
const FRAMES_AFTER: usize = 64;
const FRAMES_AT_LEAST: usize = 768;
/// ggml's matrix kernels want multiples of 16: with all 1500 frames of a full window attention takes the slow way, and a pass
/// costs a fifth more than with 1488.
const FRAME_STEP: usize = 32;
/// What the models listen to at most for the language.
pub(super) const DETECTION: usize = 30 * SAMPLE_RATE as usize;
/// Tokens that a second of speech may take, and those that any window may: fast English needs half of it, and scripts that are
/// written byte by byte several times as much. A model that goes round in circles is stopped there.
const TOKENS_OF_ENGLISH: usize = 10;
const TOKENS_OF_ANY: usize = 25;
const TOKENS_AT_LEAST: usize = 24;
/// A window whose text is doubtful is decoded again with so much randomness, and then with twice as much; each time the best of
/// so many candidates is taken. whisper.cpp itself goes in steps of 0.2, which finds no more and costs twice as much.
const TEMPERATURE: f32 = 0.4;
const CANDIDATES: i32 = 5;

/// What of whisper.cpp's log is kept unless a filter names it: at the level `debug` it writes down each token, and with them what
/// was said.
pub const LOG_FILTER: &str = "whisper_rs=warn";

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

/// A Whisper model in memory. Shared by the threads that run it.
pub(super) struct Model {
    context: WhisperContext,
    header: WhisperHeader,
    /// Whether it is known which attention heads follow the audio, so that word times can be read off them.
    aligned: bool,
}

/// How what is said in a job is decoded.
pub(super) struct Decoding {
    parameters: FullParams<'static, 'static>,
    prompt: Vec<i32>,
}

impl Model {
    /// Loads a model in ggml format; nothing that is in the file can end the process.
    pub(super) fn load(path: &Path) -> Result<Self, LoadError> {
        // What whisper.cpp and ggml write goes to `tracing`; whisper-rs does this once however often it is called.
        whisper_rs::install_logging_hooks();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let header = ggml::inspect(path).map_err(|reason| LoadError::File { name: name.clone(), reason })?;
        let alignment = alignment(header, &name);
        let aligned = alignment.is_some();
        let mut parameters = WhisperContextParameters::default();
        if let Some(mode) = alignment {
            parameters.dtw_parameters(DtwParameters { mode, ..DtwParameters::default() });
        }
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|error| LoadError::Engine { name: name.clone(), reason: error.to_string() })?;
        Ok(Self { context, header, aligned })
    }

    pub(super) fn is_multilingual(&self) -> bool {
        self.header.is_multilingual()
    }

    /// The languages that the model knows.
    pub(super) fn languages(&self) -> Vec<&'static str> {
        if !self.is_multilingual() {
            return vec!["en"];
        }
        // The last language of whisper.cpp's table came with the largest vocabulary.
        let known = i32::try_from(self.header.vocabulary).unwrap_or(0) - 51_766;
        (0..known).filter_map(whisper_rs::get_lang_str).collect()
    }

    /// Hears which language is spoken. A multilingual model's work: another one gives an error.
    pub(super) fn detect(&self, samples: &[f32]) -> Result<Language, TranscribeError> {
        let mut state = self.context.create_state().map_err(engine)?;
        state.pcm_to_mel(&samples[..samples.len().min(DETECTION)], 1).map_err(engine)?;
        let (index, probabilities) = state.lang_detect(0, 1).map_err(engine)?;
        let code = whisper_rs::get_lang_str(index).unwrap_or("en").to_owned();
        let confidence = usize::try_from(index).ok().and_then(|index| probabilities.get(index)).copied().unwrap_or(0.0);
        Ok(Language { code, confidence })
    }

    /// How all of a job is to be decoded. Without effect on a model of English: `translate` and `language`.
    pub(super) fn decoding(&self, language: &str, translate: bool, prompt: Option<&str>) -> Result<Decoding, TranscribeError> {
        let prompt = prompt.map_or(Ok(Vec::new()), |text| {
            // Never more tokens than bytes: whisper-rs trusts this bound.
            self.context.tokenize(text, text.len() + 1).map_err(engine)
        })?;
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: CANDIDATES });
        parameters.set_n_threads(1);
        // An error in one window must not spread to the next.
        parameters.set_no_context(true);
        // Timestamps stay on: without them whisper.cpp gives up the rest of a window when the model ends a sentence early.
        // Sounds in brackets are not forbidden but left out afterwards: a model that may not write `[Music]` writes notes instead,
        // and is asked again and again (hold music cost four times as much).
        parameters.set_suppress_nst(false);
        parameters.set_token_timestamps(!self.aligned);
        // One pass a call; `decode` sees to the rest of the window. No second try either: it would draw random numbers, which a
        // state keeps, and the text would depend on what the state heard before.
        parameters.set_single_segment(true);
        parameters.set_temperature_inc(0.0);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_special(false);
        parameters.set_print_timestamps(false);
        if self.is_multilingual() {
            parameters.set_translate(translate);
            // whisper-rs leaks the few bytes of this string, so it is set once a job and not once a window.
            parameters.set_language(self.languages().into_iter().find(|known| *known == language));
        }
        Ok(Decoding { parameters, prompt })
    }

    /// Decodes a chunk, window by window. `speech_between` says how much speech there is in a part of it; windows that were
    /// kept are not heard again.
    pub(super) fn decode(
        &self,
        decoding: &Decoding,
        samples: &[f32],
        speech_between: &dyn Fn(Range<usize>) -> Millis,
        kept: &WindowCheckpoints,
        hooks: &Hooks<'_>,
    ) -> Result<Vec<Phrase>, TranscribeError> {
        let mut phrases = Vec::new();
        let mut state = None;
        let mut windows = Windows::new(samples, speech_between);
        while let Some(window) = windows.window() {
            let pass = match kept.recall(&window) {
                Some(pass) => pass,
                None => {
                    let pass = self.hear(&mut state, decoding, &samples[window.clone()], hooks)?;
                    // What a job that was told to stop has heard last might be cut off, and its file may be another run's by now.
                    if !(hooks.must_stop)() {
                        kept.keep(&window, &pass);
                    }
                    pass
                }
            };
            windows.advance(window.clone(), &pass);
            (hooks.progress)(windows.percent());
            phrases.extend(pass.phrases.into_iter().map(|phrase| phrase.later_by(window.start)));
        }
        Ok(phrases)
    }

    /// Hears one window; the state is made for the first of a chunk that needs one.
    fn hear(
        &self,
        state: &mut Option<WhisperState>,
        decoding: &Decoding,
        window: &[f32],
        hooks: &Hooks<'_>,
    ) -> Result<Pass, TranscribeError> {
        let state = match state {
            Some(state) => state,
            None => state.insert(self.state()?),
        };
        let pass = self.pass(state, decoding.parameters.clone(), decoding, window, hooks)?;
        if !pass.doubtful {
            return Ok(pass);
        }
        let mut parameters = decoding.parameters.clone();
        parameters.set_temperature(TEMPERATURE);
        parameters.set_temperature_inc(TEMPERATURE);
        self.pass(&mut self.state()?, parameters, decoding, window, hooks)
    }

    fn state(&self) -> Result<WhisperState, TranscribeError> {
        self.context.create_state().map_err(engine)
    }

    /// Runs the model once over a window.
    fn pass<'h>(
        &self,
        state: &mut WhisperState,
        mut parameters: FullParams<'h, 'h>,
        decoding: &'h Decoding,
        samples: &[f32],
        hooks: &'h Hooks<'_>,
    ) -> Result<Pass, TranscribeError> {
        let all = usize::try_from(self.context.n_audio_ctx()).unwrap_or(0);
        let most = if all > FRAME_STEP { all - all % FRAME_STEP } else { all };
        let frames = (samples.len().div_ceil(FRAME) + FRAMES_AFTER).max(FRAMES_AT_LEAST).next_multiple_of(FRAME_STEP).min(most);
        let a_second = if self.is_multilingual() { TOKENS_OF_ANY } else { TOKENS_OF_ENGLISH };
        let tokens = samples.len() * a_second / SAMPLE_RATE as usize + TOKENS_AT_LEAST;
        parameters.set_tokens(&decoding.prompt);
        parameters.set_audio_ctx(i32::try_from(frames).unwrap_or(0));
        parameters.set_max_tokens(i32::try_from(tokens).unwrap_or(0));
        hooks.install(&mut parameters);
        state.full(parameters, samples).map_err(engine)?;
        let mut reader = PassReader::new(samples.len());
        for segment in state.as_iter() {
            reader.no_speech(segment.no_speech_probability());
            for token in (0..segment.n_tokens()).filter_map(|index| segment.get_token(index)) {
                let data = token.token_data();
                reader.token(data.id, data.p);
                if data.id >= self.context.token_beg() {
                    reader.mark(usize::try_from(data.id - self.context.token_beg()).unwrap_or(0) * FRAME);
                } else if data.id < self.context.token_eot()
                    && let Ok(bytes) = token.to_bytes()
                {
                    let said =
                        if self.aligned { Said::Until(ticks(data.t_dtw)) } else { Said::Within(ticks(data.t0)..ticks(data.t1)) };
                    reader.text(bytes, data.p, said);
                }
            }
        }
        Ok(reader.finish(tokens))
    }
}

/// A time of whisper.cpp in samples; times that it did not set are negative.
fn ticks(ticks: i64) -> usize {
    usize::try_from(ticks).unwrap_or(0).saturating_mul(TICK)
}

fn engine(error: whisper_rs::WhisperError) -> TranscribeError {
    TranscribeError::Engine(error.to_string())
}

/// The best of the eight heads of tiny.en that OpenAI lists. Measured on the sample calls, words fall into the right turn with it
/// alone at least as often as with all eight, and aligning costs half as much.
const TINY_EN_HEADS: [DtwAhead; 1] = [DtwAhead { n_text_layer: 3, n_head: 2 }];

/// Which attention heads follow the audio: known for OpenAI's own models, told apart by their dimensions. Other models get
/// whisper.cpp's estimate of word times, which is coarser.
fn alignment(header: WhisperHeader, name: &str) -> Option<DtwMode<'static>> {
    let multilingual = header.is_multilingual();
    let model_preset = match (header.audio_layers, header.text_layers, header.state, multilingual) {
        (4, 4, 384, false) => return Some(DtwMode::Custom { aheads: &TINY_EN_HEADS }),
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
    };
    Some(DtwMode::ModelPreset { model_preset })
}
