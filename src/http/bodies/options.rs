//! The options of a job as they were understood.

use serde::Serialize;
use utoipa::ToSchema;

use crate::jobs::options::{ChannelMode, JobOptions};

/// The options of a job; null means that the settings decide.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EffectiveOptions)]
pub(crate) struct OptionsBody {
    /// ISO 639-1, or `auto`; null: as the settings have it.
    pub language: Option<String>,
    /// Into English.
    pub translate: bool,
    /// Text put before the recording.
    pub prompt: Option<String>,
    /// Words to expect.
    pub hotwords: Vec<String>,
    /// What is known of the number of speakers.
    pub speakers: Option<SpeakersBody>,
    /// `auto`, `mix` or `split`.
    pub channels: &'static str,
    /// A role for each channel.
    pub channel_roles: Vec<String>,
    /// Whether words have times of their own.
    pub word_timestamps: bool,
    /// Whether to find out who speaks when.
    pub diarize: Option<bool>,
    /// Whether to compare with the enrolled voices.
    pub recognize: Option<bool>,
    /// Whether to look up contacts.
    pub lookup_contacts: Option<bool>,
    /// Whether a stage that cannot run fails the job.
    pub strict: bool,
}

/// Bounds of the number of speakers.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = SpeakerRange)]
pub(crate) struct SpeakersBody {
    /// At least so many.
    #[schema(minimum = 1)]
    pub min: usize,
    /// At most so many.
    #[schema(minimum = 1)]
    pub max: usize,
}

impl OptionsBody {
    /// The options of a job.
    pub(crate) fn new(options: &JobOptions) -> Self {
        Self {
            language: options.language.clone(),
            translate: options.translate,
            prompt: options.prompt.clone(),
            hotwords: options.hotwords.clone(),
            speakers: options.speakers.map(|range| SpeakersBody { min: range.min, max: range.max }),
            channels: match options.channels {
                ChannelMode::Auto => "auto",
                ChannelMode::Mix => "mix",
                ChannelMode::Split => "split",
            },
            channel_roles: options.channel_roles.clone(),
            word_timestamps: !options.omit_words,
            diarize: options.diarize,
            recognize: options.recognize,
            lookup_contacts: options.lookup_contacts,
            strict: options.strict,
        }
    }
}
