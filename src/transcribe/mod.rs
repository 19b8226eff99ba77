//! What is said, word by word.

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

/// One word as heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word with its punctuation, without white space.
    pub text: String,
    /// When it is said.
    pub span: TimeSpan,
    /// The mean of the model's probabilities of the word's tokens, 0 to 1.
    pub confidence: f32,
    /// Whether the model began a new phrase here.
    pub starts_phrase: bool,
}

/// The language of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Language {
    /// ISO 639-1.
    pub code: String,
    /// 1 when it was given, or when the model knows no other.
    pub confidence: f32,
}

/// Everything said on one signal, in order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// None when nothing was said.
    pub language: Option<Language>,
    /// The words in order; times never go backwards.
    pub words: Vec<Word>,
    /// Plain sentences about what could not be done as asked, for the result's `warnings`. What holds for the whole recording
    /// stands in the first signal's transcript only.
    pub warnings: Vec<String>,
}

/// What the client asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TranscribeOptions {
    /// ISO 639-1, or none to find out.
    pub language: Option<String>,
    /// Into English.
    pub translate: bool,
    /// Text put before the recording, to set names and style.
    pub prompt: Option<String>,
    /// Words to expect.
    pub hotwords: Vec<String>,
}

/// Why there is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscribeError {
    /// The job was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A signal cannot be read.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The engine failed.
    #[error("the transcription engine failed: {0}")]
    Engine(String),
}

impl From<std::io::Error> for TranscribeError {
    /// A thread of the engine could not be started.
    fn from(error: std::io::Error) -> Self {
        Self::Engine(format!("no thread could be started: {error}"))
    }
}

/// Writes down what is said.
pub trait Transcribe: Send {
    /// Transcribes the signals of one recording, each at its stretches of speech (sorted, apart from each other); the rest is
    /// not listened to. One transcript a signal, in the same order. The language is detected once for all of them.
    ///
    /// # Errors
    /// When told to stop, or when the engine fails.
    fn transcribe(
        &mut self,
        ctx: &JobContext,
        signals: &[Signal<'_>],
        options: &TranscribeOptions,
    ) -> Result<Vec<Transcript>, TranscribeError>;

    /// Whether the model knows a language (ISO 639-1, or a longer tag such as `en-US`). Asked for another one,
    /// [`Transcribe::transcribe`] warns; under `strict` the pipeline asks here first and fails instead.
    fn can_speak(&self, language: &str) -> bool;

    /// The languages that the model knows; ISO 639-1 where there is such a code.
    fn languages(&self) -> Vec<String>;

    /// The model in use.
    fn model(&self) -> crate::capabilities::ModelInfo;
}

/// One signal and where speech is on it.
#[derive(Debug, Clone, Copy)]
pub struct Signal<'a> {
    /// The signal.
    pub audio: &'a Audio,
    /// Where somebody speaks.
    pub speech: &'a [TimeSpan],
}
