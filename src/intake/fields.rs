//! Reads and checks the `metadata` and `options` parts of a request. Every mistake is reported, not only the first.
//!
//! The options themselves are defined in `jobs::options`.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serializer;
use serde_json::{Map, Value};

use crate::checks::{Checks, FailedCheck, Mistake, values};
use crate::jobs::options::JobOptions;

pub(crate) const MAX_DESCRIPTION_CHARS: usize = 1000;
pub(crate) const MAX_METADATA_BYTES: usize = 8 * 1024;
pub(crate) const MAX_TEXT_CHARS: usize = 255;
/// The text fields of the metadata besides `description`.
pub(crate) const TEXT_FIELDS: [&str; 5] = ["external_id", "caller", "callee", "direction", "recorded_at"];
/// Levels of nesting that a value of the metadata may have.
const MAX_DEPTH: usize = 8;

/// The priority of a job whose metadata has none.
pub(crate) const DEFAULT_PRIORITY: u8 = 5;
/// The highest priority; 1 is the lowest.
pub(crate) const MAX_PRIORITY: u64 = 10;

/// The content of the `metadata` part.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) fields: Map<String, Value>,
    pub(crate) priority: Option<u8>,
}

/// The form in which a part arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A part of a multipart request; empty or null counts as an empty object.
    Text(&'a [u8]),
    /// A field of a JSON body or message; none or null counts as an empty object.
    Field(Option<&'a Value>),
}

impl<'a> Source<'a> {
    /// The content as JSON, equal for both forms.
    pub(crate) fn parsed(self) -> serde_json::Result<Cow<'a, Value>> {
        let value = match self {
            Self::Text(text) if text.iter().all(u8::is_ascii_whitespace) => Cow::Owned(Value::Null),
            Self::Text(text) => Cow::Owned(serde_json::from_slice(text)?),
            Self::Field(value) => value.map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        };
        Ok(if value.is_null() { Cow::Owned(Value::Object(Map::new())) } else { value })
    }
}

/// A part, which must be a JSON object.
fn object<'a>(part: &str, parsed: &'a serde_json::Result<Cow<'_, Value>>) -> Result<&'a Map<String, Value>, Checks> {
    match parsed.as_deref() {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Checks::one(part, Mistake::NotAnObject)),
        Err(error) => Err(Checks::one(part, Mistake::NotJson(error.to_string()))),
    }
}

/// Checks the `metadata` part.
pub(crate) fn metadata(parsed: &serde_json::Result<Cow<'_, Value>>) -> Result<Metadata, Checks> {
    let fields = object("metadata", parsed)?;
    let mut checks = Checks::default();
    if fields.values().any(|value| depth(value) > MAX_DEPTH) {
        checks.push(FailedCheck::new("metadata", Mistake::TooDeep { max: MAX_DEPTH }));
    }
    let size = size_without(fields, "description");
    if size > MAX_METADATA_BYTES {
        checks.push(FailedCheck::new("metadata", Mistake::TooManyBytes { found: size, max: MAX_METADATA_BYTES }));
    }
    if let Some(description) = fields.get("description").filter(|value| !value.is_null()) {
        values::text("metadata.description", description, MAX_DESCRIPTION_CHARS, &mut checks);
    }
    let priority = fields.get("priority").filter(|value| !value.is_null());
    let priority = priority.and_then(|value| values::whole_up_to("metadata.priority", value, MAX_PRIORITY, &mut checks));
    for name in TEXT_FIELDS {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            values::text(&format!("metadata.{name}"), value, MAX_TEXT_CHARS, &mut checks);
        }
    }
    let priority = priority.and_then(|priority| u8::try_from(priority).ok());
    if checks.is_empty() { Ok(Metadata { fields: fields.clone(), priority }) } else { Err(checks) }
}

/// Checks the `options` part; an unknown option is a mistake.
pub(crate) fn options(parsed: &serde_json::Result<Cow<'_, Value>>) -> Result<JobOptions, Checks> {
    JobOptions::read(object("options", parsed)?)
}

/// Size of an object as JSON without one of its fields, in bytes. Nothing is written for it.
fn size_without(fields: &Map<String, Value>, left_out: &str) -> usize {
    struct Counter(usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    let counted = serde_json::Serializer::new(&mut counter).collect_map(fields.iter().filter(|(name, _)| *name != left_out));
    counted.expect("JSON is made of JSON, and counting does not fail");
    counter.0
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The recording's name as a label: the last component of the path, without control characters, at most 255 characters.
pub(crate) fn file_label(name: Option<&str>) -> String {
    let last = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let label: String = last.chars().filter(|character| !character.is_control()).take(255).collect();
    let label = label.trim();
    if label.is_empty() || label == "." || label == ".." { "recording".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests;
