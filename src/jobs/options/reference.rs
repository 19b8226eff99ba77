//! The descriptions of the options, made from the table: JSON Schemas for OpenAPI, and the table of the documentation.

use serde_json::{Map, Value, json};

use super::define::Definition;
use super::{JobOptions, OPTIONS};
use crate::tables;

/// The schema of the options that a client sends.
pub fn request_schema() -> Value {
    let described = OPTIONS.iter().map(|option| {
        let mut schema = (option.request_schema)();
        schema["description"] = json!(option.request);
        (option.name.to_owned(), schema)
    });
    let examples = OPTIONS.iter().filter_map(|option| (option.example)().map(|example| (option.name.to_owned(), example)));
    json!({
        "type": ["object", "null"],
        "description": "How the recording is processed. Null counts as absent; an unknown option is refused.",
        "additionalProperties": false,
        "properties": described.collect::<Map<_, _>>(),
        "example": examples.collect::<Map<_, _>>(),
    })
}

/// The schema of the options that a client reads back; it refers to [`speaker_range_schema`] as `SpeakerRange`.
pub fn effective_schema() -> Value {
    let described = OPTIONS.iter().map(|option| (option.name.to_owned(), (option.effective_schema)(option.published)));
    let required: Vec<&str> = OPTIONS.iter().filter(|option| !(option.can_be_null)()).map(|option| option.name).collect();
    json!({
        "type": "object",
        "description": "The options of a job; null means that the settings decide.",
        "properties": described.collect::<Map<_, _>>(),
        "required": required,
    })
}

/// The schema of bounds of the number of speakers.
pub fn speaker_range_schema() -> Value {
    let bound = |description: &str| json!({ "type": "integer", "minimum": 1, "description": description });
    json!({
        "type": "object",
        "description": "Bounds of the number of speakers.",
        "properties": { "min": bound("The smallest possible number."), "max": bound("The largest possible number.") },
        "required": ["min", "max"],
    })
}

/// The table of the options in `docs/api-specification.md`.
pub fn reference_table() -> String {
    let published = json!(JobOptions::default());
    let row = |option: &Definition<JobOptions>| {
        let default = match (option.setting, &published[option.name]) {
            (Some(setting), _) => format!("setting `{setting}`"),
            (None, Value::Bool(value)) => format!("`{value}`"),
            (None, Value::String(name)) => format!("`{name}`"),
            (None, Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) => String::new(),
        };
        let meaning = format!("{} {}", option.request, (option.limits)());
        vec![format!("`{}`", option.name), meaning.trim_end().to_owned(), default]
    };
    tables::table(["option", "meaning", "default"], OPTIONS.iter().map(row))
}
