//! A job's options as they stand in `job.json`.

use serde::{Deserialize, Serialize};

use crate::jobs::options::{ChannelMode, JobOptions, SpeakerRange};

/// The field `options` of `job.json`.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct OptionsFile {
    language: Option<String>,
    translate: bool,
    prompt: Option<String>,
    hotwords: Vec<String>,
    speakers: Option<(usize, usize)>,
    channels: Option<String>,
    channel_roles: Vec<String>,
    omit_words: bool,
    diarize: Option<bool>,
    recognize: Option<bool>,
    lookup_contacts: Option<bool>,
    strict: bool,
}

/// Options as they are written.
pub(super) fn encode(options: &JobOptions) -> OptionsFile {
    OptionsFile {
        language: options.language.clone(),
        translate: options.translate,
        prompt: options.prompt.clone(),
        hotwords: options.hotwords.clone(),
        speakers: options.speakers.map(|range| (range.min, range.max)),
        channels: Some(
            match options.channels {
                ChannelMode::Auto => "auto",
                ChannelMode::Mix => "mix",
                ChannelMode::Split => "split",
            }
            .to_owned(),
        ),
        channel_roles: options.channel_roles.clone(),
        omit_words: options.omit_words,
        diarize: options.diarize,
        recognize: options.recognize,
        lookup_contacts: options.lookup_contacts,
        strict: options.strict,
    }
}

/// Options as they were written; what cannot be is left out.
pub(super) fn decode(file: OptionsFile) -> JobOptions {
    JobOptions {
        language: file.language,
        translate: file.translate,
        prompt: file.prompt,
        hotwords: file.hotwords,
        speakers: file.speakers.filter(|(min, max)| 1 <= *min && min <= max).map(|(min, max)| SpeakerRange { min, max }),
        channels: match file.channels.as_deref() {
            Some("mix") => ChannelMode::Mix,
            Some("split") => ChannelMode::Split,
            _ => ChannelMode::Auto,
        },
        channel_roles: file.channel_roles,
        omit_words: file.omit_words,
        diarize: file.diarize,
        recognize: file.recognize,
        lookup_contacts: file.lookup_contacts,
        strict: file.strict,
    }
}
