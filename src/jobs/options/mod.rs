//! The options of a job, each defined once.
//!
//! A row of the table is an option: its field and type, the kind of value that it takes, and its descriptions. Reading and
//! checking a request, the job record, the checkpoints' fingerprint, the published form, OpenAPI and the documentation all
//! follow from the row; what an option does is in the stage that reads its field. No HTTP and no files here.

mod define;
mod kinds;
mod reference;
mod speaker_count;
#[cfg(test)]
mod tests;
mod values;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::checks::{Checks, FailedCheck, Mistake};
use define::{Definition, Kind, job_options};
use kinds::{Choice, Flag, InvertedFlag, LanguageCode, Switch, Text, Texts};
pub use reference::{effective_schema, reference_table, request_schema, speaker_range_schema};
use speaker_count::SpeakerCount;
pub use values::{ChannelMode, SpeakerRange, is_language_code};

job_options! {
    language: Option<String> = LanguageCode,
        request: "The language spoken: an ISO 639-1 code, or `auto` to detect it. The default is a setting of the server.",
        published: "The language spoken, as an ISO 639-1 code; null: the settings decide.",
        setting: "transcription.language",
        example: json!("ru");

    translate: bool = Flag,
        request: "Translate the words into English.",
        published: "Whether the words are translated into English.";

    prompt: Option<String> = Text { max_chars: 1000 },
        request: "Text that precedes the recording, as a hint for names and style.",
        published: "Text that precedes the recording, as a hint for names and style.";

    hotwords: Vec<String> = Texts { max_items: 100, max_chars: 100 },
        request: "Words that are likely to occur, such as names.",
        published: "Words that are likely to occur, such as names.";

    speakers: Option<SpeakerRange> = SpeakerCount { max: 20 },
        request: "The number of speakers, if it is known: `count`, or `min`, `max` or both, with `min` at most `max`.",
        published: "Bounds of the number of speakers; null: not known.",
        example: json!({ "count": 2 });

    channels: ChannelMode = Choice::<ChannelMode>::new(),
        request: "Channel handling: `mix` joins the channels to one signal, `split` processes each channel separately, `auto` decides from the signals.",
        published: "Channel handling: `auto`, `mix` or `split`.";

    channel_roles: Vec<String> = Texts { max_items: 64, max_chars: 50 },
        request: "The role of the speaker on each channel, in the order of the channels.",
        published: "The role of the speaker on each channel, in the order of the channels.",
        example: json!(["agent", "customer"]);

    word_timestamps: bool = InvertedFlag,
        request: "Publish each word with its start and end.",
        published: "Whether each word is published with its start and end.",
        recorded_as: "omit_words";

    diarize: Option<bool> = Switch,
        request: "Find out who speaks when. The default is a setting of the server.",
        published: "Whether to find out who speaks when; null: the settings decide.",
        setting: "diarization.enabled";

    recognize: Option<bool> = Switch,
        request: "Compare the speakers with the enrolled voices. The default is a setting of the server.",
        published: "Whether to compare the speakers with the enrolled voices; null: the settings decide.",
        setting: "recognition.enabled";

    lookup_contacts: Option<bool> = Switch,
        request: "Look up the speakers in the address book. The default is a setting of the server.",
        published: "Whether to look up the speakers in the address book; null: the settings decide.",
        setting: "contacts.enabled";

    strict: bool = Flag,
        request: "Fail the job if a stage fails or lacks its model, instead of continuing without the stage.",
        published: "Whether a stage that fails or lacks its model fails the job.";
}

impl JobOptions {
    /// Reads the options that a client sent. Null counts as absent.
    ///
    /// # Errors
    /// Every mistake, in the order of the fields; an unknown option is one.
    pub fn read(fields: &Map<String, Value>) -> Result<Self, Checks> {
        let mut checks = Checks::default();
        let mut options = Self::default();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match OPTIONS.iter().find(|option| option.name == name) {
                Some(option) => (option.read)(&mut options, &format!("options.{name}"), value, &mut checks),
                None => checks.push_with(|| FailedCheck::new(format!("options.{name}"), Mistake::Unknown { allowed: names() })),
            }
        }
        if checks.is_empty() { Ok(options) } else { Err(checks) }
    }

    /// Reads the options of a job record. An option that the record lacks has its default, and an unknown one is ignored.
    ///
    /// # Errors
    /// When a value has the wrong type.
    pub fn from_record(record: &Map<String, Value>) -> Result<Self, String> {
        let mut options = Self::default();
        for option in OPTIONS {
            if let Some(value) = record.get(option.recorded_as) {
                (option.from_record)(&mut options, value.clone()).map_err(|error| format!("options.{}: {error}", option.name))?;
            }
        }
        Ok(options)
    }

    /// The options as the job record has them.
    pub fn record(&self) -> Map<String, Value> {
        OPTIONS.iter().map(|option| (option.recorded_as.to_owned(), (option.record)(self))).collect()
    }
}

/// The published form: what clients read back.
impl Serialize for JobOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(OPTIONS.len()))?;
        for option in OPTIONS {
            map.serialize_entry(option.name, &(option.publish)(self))?;
        }
        map.end()
    }
}

/// The names of all options, in the order of the table.
fn names() -> Vec<&'static str> {
    OPTIONS.iter().map(|option| option.name).collect()
}
