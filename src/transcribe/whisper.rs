//! Runs Whisper models through whisper.cpp. A model is loaded once; each chunk gets a decoder state of its own.
//!
//! Besides `callbacks.rs` this is the only file that names `whisper_rs`. It decides how the model is run; which audio it gets, how its
//! tokens are interpreted and which warnings there are is decided in the files beside it.

use std::ops::Range;
use std::path::Path;

use whisper_rs::{
    DtwAhead, DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters,
    WhisperState,
};

use super::callbacks::Hooks;
use super::checkpoint::WindowCheckpoints;
use super::pass::{Pass, PassReader, TokenTime};
use super::windows::Windows;
use super::words::Phrase;
use super::{Language, TranscribeError};
use crate::audio::SAMPLE_RATE;
use crate::audio::time::Millis;
use crate::models::ggml::{self, GgmlError, WhisperHeader};

/// One frame of the encoder, in samples: 20 ms.
const FRAME: usize = 320;
/// whisper.cpp's unit of time, in samples: 10 ms.
const TICK: usize = 160;
/// Frames that the encoder gets beyond the end of a window. Without them the model, which was always trained on thirty seconds,
/// repeats itself at the end. A short window needs more: at least half of the length the model was trained on.
const FRAMES_AFTER: usize = 64;
const FRAMES_AT_LEAST: usize = 768;
/// ggml's matrix kernels need multiples of 16: with all 1500 frames of a full window attention takes a slow path, and a pass costs
/// a fifth more than with 1488.
const FRAME_STEP: usize = 32;
/// The most samples that language detection uses.
pub(super) const DETECTION: usize = 30 * SAMPLE_RATE as usize;
/// The most tokens per second of speech, for English-only and multilingual models, and the fewest that any window is allowed. Fast
/// English needs half of that; scripts that are written byte by byte need several times as much. This stops a model in a loop.
const TOKENS_OF_ENGLISH: usize = 10;
const TOKENS_OF_ANY: usize = 25;
const TOKENS_AT_LEAST: usize = 24;
/// A window whose text is doubtful is decoded again at this temperature, and then at twice the temperature, each time with the best
/// of several candidates. whisper.cpp itself uses steps of 0.2, which finds no more and costs twice as much.
const TEMPERATURE: f32 = 0.4;
const CANDIDATES: i32 = 5;

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not a complete ggml Whisper model.
    #[error("the transcription model {name} can't be used: {reason}")]
    File {
        /// The file's name without its folder.
        name: String,
        #[source]
        reason: GgmlError,
    },
    /// whisper.cpp refused the file.
    #[error("the transcription model {name} can't be used: whisper.cpp does not take it ({reason})")]
    Engine {
        /// The file's name without its folder.
        name: String,
        /// The error of whisper.cpp.
        reason: String,
    },
}

/// A Whisper model in memory, shared by the threads that run it.
pub(super) struct Model {
    context: WhisperContext,
    header: WhisperHeader,
    /// Whether the attention heads that follow the audio are known, so that word times can be derived from them.
    aligned: bool,
}

/// The decoding parameters of a job.
pub(super) struct Decoding {
    parameters: FullParams<'static, 'static>,
    prompt: Vec<i32>,
}

impl Model {
    /// Loads a model in ggml format. The file is checked first, so that a malformed one cannot abort the process.
    pub(super) fn load(path: &Path) -> Result<Self, LoadError> {
        // Sends the output of whisper.cpp and ggml to `tracing`; whisper-rs does this once, however often it is called.
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

    /// The languages that the model knows, as whisper.cpp's codes.
    pub(super) fn languages(&self) -> Vec<&'static str> {
        if !self.is_multilingual() {
            return vec!["en"];
        }
        // A multilingual vocabulary is 51,766 tokens plus one for each language; later models have more languages.
        let known = i32::try_from(self.header.vocabulary).unwrap_or(0) - 51_766;
        (0..known).filter_map(whisper_rs::get_lang_str).collect()
    }

    /// Detects the language. Only multilingual models can; others give an error.
    pub(super) fn detect(&self, samples: &[f32]) -> Result<Language, TranscribeError> {
        let mut state = self.context.create_state().map_err(engine)?;
        state.pcm_to_mel(&samples[..samples.len().min(DETECTION)], 1).map_err(engine)?;
        let (index, probabilities) = state.lang_detect(0, 1).map_err(engine)?;
        let code = whisper_rs::get_lang_str(index).unwrap_or("en").to_owned();
        let confidence = usize::try_from(index).ok().and_then(|index| probabilities.get(index)).copied().unwrap_or(0.0);
        Ok(Language { code, confidence })
    }

    /// The parameters for decoding a job. An English-only model ignores `language` and `translate`.
    pub(super) fn decoding(&self, language: &str, translate: bool, prompt: Option<&str>) -> Result<Decoding, TranscribeError> {
        let prompt = prompt.map_or(Ok(Vec::new()), |text| {
            // Never more tokens than bytes: whisper-rs trusts this bound.
            self.context.tokenize(text, text.len() + 1).map_err(engine)
        })?;
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: CANDIDATES });
        parameters.set_n_threads(1);
        // An error in one window must not spread to the next.
        parameters.set_no_context(true);
        // Timestamps stay on: without them whisper.cpp drops the rest of a window when the model ends a sentence early.
        // Non-speech tokens are not suppressed but removed afterwards: a model that may not write `[Music]` writes notes instead,
        // and is decoded again and again (hold music cost four times as much).
        parameters.set_suppress_nst(false);
        parameters.set_token_timestamps(!self.aligned);
        // One pass per call; `decode` handles the rest of the window. No retry at a higher temperature either: it would draw random
        // numbers, whose generator is part of the state, and the text would depend on what the state has decoded before.
        parameters.set_single_segment(true);
        parameters.set_temperature_inc(0.0);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_special(false);
        parameters.set_print_timestamps(false);
        if self.is_multilingual() {
            parameters.set_translate(translate);
            // whisper-rs leaks the few bytes of this string, so it is set once per job and not per window.
            parameters.set_language(self.languages().into_iter().find(|known| *known == language));
        }
        Ok(Decoding { parameters, prompt })
    }

    /// Decodes a chunk window by window. `speech_between` is the amount of speech in a range of the chunk's samples. Windows with a
    /// checkpoint are not decoded again.
    pub(super) fn decode(
        &self,
        decoding: &Decoding,
        samples: &[f32],
        speech_between: &dyn Fn(Range<usize>) -> Millis,
        checkpoints: &WindowCheckpoints,
        hooks: &Hooks<'_>,
    ) -> Result<Vec<Phrase>, TranscribeError> {
        let mut phrases = Vec::new();
        let mut state = None;
        let mut windows = Windows::new(samples, speech_between);
        while let Some(window) = windows.window() {
            let pass = match checkpoints.recall(&window) {
                Some(pass) => pass,
                None => {
                    let pass = self.decode_window(&mut state, decoding, &samples[window.clone()], hooks)?;
                    // The last window of a stopped job may be incomplete, and the checkpoint file may belong to another run by now.
                    if !(hooks.must_stop)() {
                        checkpoints.keep(&window, &pass);
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

    /// Decodes one window, again with some randomness when its text is doubtful. The decoder state is created by the first window of
    /// a chunk that needs it.
    fn decode_window(
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

    /// A new decoder state.
    fn state(&self) -> Result<WhisperState, TranscribeError> {
        self.context.create_state().map_err(engine)
    }

    /// Runs the model once over the samples of a window.
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
                    reader.timestamp(usize::try_from(data.id - self.context.token_beg()).unwrap_or(0) * FRAME);
                } else if data.id < self.context.token_eot()
                    && let Ok(bytes) = token.to_bytes()
                {
                    let time = if self.aligned {
                        TokenTime::Until(ticks(data.t_dtw))
                    } else {
                        TokenTime::Within(ticks(data.t0)..ticks(data.t1))
                    };
                    reader.text(bytes, data.p, time);
                }
            }
        }
        Ok(reader.finish(tokens))
    }
}

/// A time of whisper.cpp in samples; negative times, which mean "not set", become 0.
fn ticks(ticks: i64) -> usize {
    usize::try_from(ticks).unwrap_or(0).saturating_mul(TICK)
}

fn engine(error: whisper_rs::WhisperError) -> TranscribeError {
    TranscribeError::Engine(error.to_string())
}

/// The best of the eight alignment heads of tiny.en that OpenAI lists. On the sample calls, words fall into the right turn with it
/// alone at least as often as with all eight, and alignment costs half as much.
const TINY_EN_HEADS: [DtwAhead; 1] = [DtwAhead { n_text_layer: 3, n_head: 2 }];

/// The attention heads that follow the audio. They are known for OpenAI's own models, which are identified by their dimensions.
/// For other models word times are whisper.cpp's estimate, which is coarser.
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
