//! The `metadata` and `options` parts of a request, checked: every mistake is found, not only the first.

use serde_json::{Map, Value};

use super::checks::{FailedCheck, Mistake, shown};
use crate::jobs::options::{ChannelMode, JobOptions, SpeakerRange, is_language_code};

pub(crate) const MAX_DESCRIPTION_CHARS: usize = 1000;
pub(crate) const MAX_METADATA_BYTES: usize = 8 * 1024;
pub(crate) const MAX_PROMPT_CHARS: usize = 1000;
pub(crate) const MAX_HOTWORDS: usize = 100;
pub(crate) const MAX_HOTWORD_CHARS: usize = 100;
pub(crate) const MAX_SPEAKERS: u64 = 20;
pub(crate) const MAX_ROLES: usize = 64;
pub(crate) const MAX_ROLE_CHARS: usize = 50;
pub(crate) const MAX_TEXT_CHARS: usize = 255;
/// The fields of the metadata that are texts, apart from the description.
pub(crate) const TEXT_FIELDS: [&str; 5] = ["external_id", "caller", "callee", "direction", "recorded_at"];
const MAX_DEPTH: usize = 8;

/// The priority of a job that does not say.
pub(crate) const DEFAULT_PRIORITY: u8 = 5;

/// What the `metadata` part holds.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) fields: Map<String, Value>,
    pub(crate) priority: Option<u8>,
}

/// Where a part comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// From a part of a multipart request; empty or null is an empty object.
    Text(&'a [u8]),
    /// From a field of a JSON body or message; none or null is an empty object.
    Field(Option<&'a Value>),
}

impl Source<'_> {
    fn parsed(self) -> serde_json::Result<Value> {
        match self {
            Self::Text(text) if text.iter().all(u8::is_ascii_whitespace) => Ok(Value::Object(Map::new())),
            Self::Text(text) => serde_json::from_slice(text),
            Self::Field(value) => Ok(value.cloned().unwrap_or_default()),
        }
        .map(|value| if value.is_null() { Value::Object(Map::new()) } else { value })
    }

    /// What was sent, whichever way: the same for the same content. Null when it is no JSON.
    pub(crate) fn canonical(self) -> Value {
        self.parsed().unwrap_or_default()
    }
}

/// Reads a part as a JSON object.
fn object(part: &str, source: Source<'_>, checks: &mut Vec<FailedCheck>) -> Option<Map<String, Value>> {
    match source.parsed() {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) => {
            checks.push(FailedCheck::new(part, Mistake::NotAnObject));
            None
        }
        Err(error) => {
            checks.push(FailedCheck::new(part, Mistake::NotJson(error.to_string())));
            None
        }
    }
}

/// Checks the `metadata` part.
pub(crate) fn metadata(source: Source<'_>) -> Result<Metadata, Vec<FailedCheck>> {
    let mut checks = Vec::new();
    let Some(fields) = object("metadata", source, &mut checks) else { return Err(checks) };
    if fields.values().any(|value| depth(value) > MAX_DEPTH) {
        checks.push(FailedCheck::new("metadata", Mistake::TooDeep { max: MAX_DEPTH }));
    }
    let mut others = fields.clone();
    others.remove("description");
    let size = Value::Object(others).to_string().len();
    if size > MAX_METADATA_BYTES {
        checks.push(FailedCheck::new("metadata", Mistake::TooManyBytes { found: size, max: MAX_METADATA_BYTES }));
    }
    if let Some(description) = fields.get("description").filter(|value| !value.is_null()) {
        text_within("metadata.description", description, MAX_DESCRIPTION_CHARS, &mut checks);
    }
    let priority = fields.get("priority").filter(|value| !value.is_null()).and_then(|value| match whole(value) {
        Some(number @ 1..=10) => u8::try_from(number).ok(),
        _ => {
            let mistake = Mistake::OutOfRange { min: 1, max: 10, found: shown(value) };
            checks.push(FailedCheck::new("metadata.priority", mistake));
            None
        }
    });
    for name in TEXT_FIELDS {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            text_within(&format!("metadata.{name}"), value, MAX_TEXT_CHARS, &mut checks);
        }
    }
    if checks.is_empty() { Ok(Metadata { fields, priority }) } else { Err(checks) }
}

/// Checks the `options` part; an unknown option is a mistake.
pub(crate) fn options(source: Source<'_>) -> Result<JobOptions, Vec<FailedCheck>> {
    let mut checks = Vec::new();
    let Some(fields) = object("options", source, &mut checks) else { return Err(checks) };
    let mut options = JobOptions::default();
    for (name, value) in &fields {
        if value.is_null() {
            continue;
        }
        let field = format!("options.{name}");
        match name.as_str() {
            "language" => options.language = language(&field, value, &mut checks),
            "translate" => options.translate = boolean(&field, value, &mut checks).unwrap_or_default(),
            "prompt" => options.prompt = text_within(&field, value, MAX_PROMPT_CHARS, &mut checks),
            "hotwords" => options.hotwords = texts(&field, value, MAX_HOTWORDS, MAX_HOTWORD_CHARS, &mut checks),
            "speakers" => options.speakers = speakers(&field, value, &mut checks),
            "channels" => options.channels = channels(&field, value, &mut checks),
            "channel_roles" => options.channel_roles = texts(&field, value, MAX_ROLES, MAX_ROLE_CHARS, &mut checks),
            "word_timestamps" => options.omit_words = boolean(&field, value, &mut checks) == Some(false),
            "diarize" => options.diarize = boolean(&field, value, &mut checks),
            "recognize" => options.recognize = boolean(&field, value, &mut checks),
            "lookup_contacts" => options.lookup_contacts = boolean(&field, value, &mut checks),
            "strict" => options.strict = boolean(&field, value, &mut checks).unwrap_or_default(),
            _ => checks.push(FailedCheck::new(field, Mistake::Unknown { allowed: OPTION_NAMES.to_vec() })),
        }
    }
    if checks.is_empty() { Ok(options) } else { Err(checks) }
}

pub(crate) const OPTION_NAMES: [&str; 12] = [
    "language",
    "translate",
    "prompt",
    "hotwords",
    "speakers",
    "channels",
    "channel_roles",
    "word_timestamps",
    "diarize",
    "recognize",
    "lookup_contacts",
    "strict",
];

fn language(field: &str, value: &Value, checks: &mut Vec<FailedCheck>) -> Option<String> {
    let code = value.as_str().map(str::to_ascii_lowercase);
    match code {
        Some(code) if code == "auto" => None,
        Some(code) if is_language_code(&code) => Some(code),
        _ => {
            checks.push(FailedCheck::new(field, Mistake::NotALanguage { found: shown(value) }));
            None
        }
    }
}

fn boolean(field: &str, value: &Value, checks: &mut Vec<FailedCheck>) -> Option<bool> {
    let found = value.as_bool();
    if found.is_none() {
        checks.push(FailedCheck::new(field, Mistake::NotABoolean { found: shown(value) }));
    }
    found
}

fn text_within(field: &str, value: &Value, max_chars: usize, checks: &mut Vec<FailedCheck>) -> Option<String> {
    let Some(text) = value.as_str() else {
        checks.push(FailedCheck::new(field, Mistake::NotAText { found: shown(value) }));
        return None;
    };
    let length = text.chars().count();
    if length > max_chars {
        checks.push(FailedCheck::new(field, Mistake::TooManyCharacters { found: length, max: max_chars }));
        return None;
    }
    Some(text.to_owned())
}

fn texts(field: &str, value: &Value, most: usize, max_chars: usize, checks: &mut Vec<FailedCheck>) -> Vec<String> {
    let Some(items) = value.as_array() else {
        checks.push(FailedCheck::new(field, Mistake::NotAnArrayOfTexts { found: shown(value) }));
        return Vec::new();
    };
    if items.len() > most {
        checks.push(FailedCheck::new(field, Mistake::TooManyItems { found: items.len(), max: most }));
        return Vec::new();
    }
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| text_within(&format!("{field}[{index}]"), item, max_chars, checks))
        .collect()
}

fn speakers(field: &str, value: &Value, checks: &mut Vec<FailedCheck>) -> Option<SpeakerRange> {
    let Some(object) = value.as_object() else {
        checks.push(FailedCheck::new(field, Mistake::NotASpeakerCount { max: MAX_SPEAKERS }));
        return None;
    };
    if let Some(name) = object.keys().find(|name| !["count", "min", "max"].contains(&name.as_str())) {
        let mistake = Mistake::Unknown { allowed: vec!["count", "min", "max"] };
        checks.push(FailedCheck::new(format!("{field}.{name}"), mistake));
        return None;
    }
    let mut number = |name: &str| {
        let found = object.get(name).filter(|value| !value.is_null())?;
        match whole(found) {
            Some(number) if (1..=MAX_SPEAKERS).contains(&number) => usize::try_from(number).ok(),
            _ => {
                let mistake = Mistake::OutOfRange { min: 1, max: MAX_SPEAKERS, found: shown(found) };
                checks.push(FailedCheck::new(format!("{field}.{name}"), mistake));
                None
            }
        }
    };
    let (count, min, max) = (number("count"), number("min"), number("max"));
    if count.is_some() && (min.is_some() || max.is_some()) {
        checks.push(FailedCheck::new(field, Mistake::CountAndLimits));
        return None;
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let mistake = Mistake::MinOverMax { min: min as u64, max: max as u64 };
        checks.push(FailedCheck::new(field, mistake));
        return None;
    }
    match (count, min, max) {
        (Some(count), _, _) => Some(SpeakerRange { min: count, max: count }),
        (None, None, None) => None,
        (None, min, max) => Some(SpeakerRange { min: min.unwrap_or(1), max: max.unwrap_or(MAX_SPEAKERS as usize) }),
    }
}

fn channels(field: &str, value: &Value, checks: &mut Vec<FailedCheck>) -> ChannelMode {
    match value.as_str() {
        Some("auto") => ChannelMode::Auto,
        Some("mix") => ChannelMode::Mix,
        Some("split") => ChannelMode::Split,
        _ => {
            let mistake = Mistake::NotOneOf { allowed: vec!["auto", "mix", "split"], found: shown(value) };
            checks.push(FailedCheck::new(field, mistake));
            ChannelMode::Auto
        }
    }
}

/// A whole number, however it is written: to JSON, 4.0 is the number that 4 is.
fn whole(value: &Value) -> Option<u64> {
    let written_as_fraction = || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number));
    value.as_u64().or_else(|| written_as_fraction().map(|number| number as u64))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The recording's name as a label: the last part of what may be a path, without control characters, at most 255 characters.
pub(crate) fn file_label(name: Option<&str>) -> String {
    let last = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let label: String = last.chars().filter(|character| !character.is_control()).take(255).collect();
    let label = label.trim();
    if label.is_empty() || label == "." || label == ".." { "recording".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests;
