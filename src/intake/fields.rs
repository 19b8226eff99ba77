//! Reads and checks the `metadata` and `options` parts of a request. Every mistake is reported, not only the first.
//!
//! The options themselves are defined in `jobs::options`.

use serde_json::{Map, Value};

use crate::checks::{FailedCheck, Mistake, values};
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

impl Source<'_> {
    fn parsed(self) -> serde_json::Result<Value> {
        match self {
            Self::Text(text) if text.iter().all(u8::is_ascii_whitespace) => Ok(Value::Object(Map::new())),
            Self::Text(text) => serde_json::from_slice(text),
            Self::Field(value) => Ok(value.cloned().unwrap_or_default()),
        }
        .map(|value| if value.is_null() { Value::Object(Map::new()) } else { value })
    }

    /// The content as JSON, equal for both forms; null when it cannot be parsed.
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
    if checks.is_empty() { Ok(Metadata { fields, priority }) } else { Err(checks) }
}

/// Checks the `options` part; an unknown option is a mistake.
pub(crate) fn options(source: Source<'_>) -> Result<JobOptions, Vec<FailedCheck>> {
    let mut checks = Vec::new();
    let Some(fields) = object("options", source, &mut checks) else { return Err(checks) };
    JobOptions::read(&fields)
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
