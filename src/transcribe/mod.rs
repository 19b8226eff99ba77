//! Transcription: the words of a recording with their times, by a Whisper model.
//!
//! This file has the types that other modules see. Speech is packed into chunks (`packing`), several of which are decoded at once
//! (`schedule`), each window by window (`windows`, `whisper`); the words are then cleaned, timed and assembled.

mod assemble;
mod callbacks;
mod checkpoint;
mod chunk_samples;
pub mod cleaning;
mod doubt;
pub mod language;
pub mod packing;
mod pass;
pub mod prompt;
mod schedule;
pub mod timing;
pub mod transcriber;
pub mod whisper;
mod windows;
pub mod words;

use crate::audio::time::TimeSpan;
use crate::audio::{Audio, SignalError};
use crate::context::JobContext;
use crate::stop::Stopped;

/// One recognized word with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word with its punctuation, without white space.
    pub text: String,
    /// Its start and end in the recording.
    pub span: TimeSpan,
    /// The mean of the model's probabilities of the word's tokens, 0 to 1.
    pub confidence: f32,
    /// Whether a phrase of the model starts with this word.
    pub starts_phrase: bool,
}

/// The language of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Language {
    /// An ISO 639-1 code, or whisper.cpp's code for languages without one.
    pub code: String,
    /// Probability of the detection, 0 to 1; 1 when the language was given or the model knows only one.
    pub confidence: f32,
}

/// The transcript of one signal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// None when there are no words.
    pub language: Option<Language>,
    /// The words in time order; they do not overlap.
    pub words: Vec<Word>,
    /// What could not be done as requested, for the result's `warnings`. Warnings about the whole recording are in the first
    /// signal's transcript only.
    pub warnings: Vec<String>,
}

/// The options of a job that concern transcription.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TranscribeOptions {
    /// ISO 639-1 code, or none to detect the language.
    pub language: Option<String>,
    /// Whether to translate into English.
    pub translate: bool,
    /// Text that the model sees as preceding context, for names and style.
    pub prompt: Option<String>,
    /// Words that are likely to occur, such as names.
    pub hotwords: Vec<String>,
}

/// Why a recording could not be transcribed.
#[derive(Debug, thiserror::Error)]
pub enum TranscribeError {
    /// The job's stop signal was raised.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The samples of a signal cannot be read.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// whisper.cpp failed, or one of its threads could not be started.
    #[error("the transcription engine failed: {0}")]
    Engine(String),
}

impl From<std::io::Error> for TranscribeError {
    /// A thread for transcription could not be started.
    fn from(error: std::io::Error) -> Self {
        Self::Engine(format!("no thread could be started: {error}"))
    }
}

/// An engine that turns speech into text.
pub trait Transcribe: Send {
    /// Transcribes the signals of one recording and returns one transcript for each, in the same order. Only the speech regions of
    /// a signal (sorted, not overlapping) are decoded. The language is detected once for all signals.
    ///
    /// # Errors
    /// When the job is stopped, a signal cannot be read, or the engine fails.
    fn transcribe(
        &mut self,
        ctx: &JobContext,
        signals: &[Signal<'_>],
        options: &TranscribeOptions,
    ) -> Result<Vec<Transcript>, TranscribeError>;

    /// Whether the model knows a language (an ISO 639-1 code or a longer tag such as `en-US`). For an unknown language
    /// [`Transcribe::transcribe`] warns; for strict jobs the pipeline checks here first and fails instead.
    fn can_speak(&self, language: &str) -> bool;

    /// The languages that the model knows, as ISO 639-1 codes where there is one.
    fn languages(&self) -> Vec<String>;

    /// The model in use, for results and `GET /info`.
    fn model(&self) -> crate::capabilities::ModelInfo;
}

/// A signal and its speech regions.
#[derive(Debug, Clone, Copy)]
pub struct Signal<'a> {
    pub audio: &'a Audio,
    /// Sorted, and not overlapping.
    pub speech: &'a [TimeSpan],
}
