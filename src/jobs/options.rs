//! What a client may ask of a job, checked.

/// What is known of the number of speakers beforehand: `1 <= min <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerRange {
    /// At least so many.
    pub min: usize,
    /// At most so many.
    pub max: usize,
}

/// How a recording of several channels is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelMode {
    /// Decided from the signals.
    #[default]
    Auto,
    /// One signal, mixed from all channels.
    Mix,
    /// Each channel by itself.
    Split,
}

/// The options of one job; what was not said is none and follows the settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobOptions {
    /// ISO 639-1; none: the settings decide, or it is found out.
    pub language: Option<String>,
    /// Into English.
    pub translate: bool,
    /// Text put before the recording.
    pub prompt: Option<String>,
    /// Words to expect.
    pub hotwords: Vec<String>,
    /// What is known of the number of speakers.
    pub speakers: Option<SpeakerRange>,
    /// How channels are taken.
    pub channels: ChannelMode,
    /// A role for each channel, such as `agent`.
    pub channel_roles: Vec<String>,
    /// Leave out the words' own times.
    pub omit_words: bool,
    /// Diarize.
    pub diarize: Option<bool>,
    /// Compare with the enrolled voices.
    pub recognize: Option<bool>,
    /// Look up contacts.
    pub lookup_contacts: Option<bool>,
    /// A stage that fails or lacks its model fails the job.
    pub strict: bool,
}

/// Whether a text has the form of an ISO 639-1 code (or of Whisper's few longer ones, such as `haw` and `yue`).
pub fn is_language_code(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
