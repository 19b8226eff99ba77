//! What clients may send, as schemas made of the limits that the checks keep to.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Object, Ref, RefOr, Schema, schema::ObjectBuilder, schema::Type};

use crate::intake::fields::{
    DEFAULT_PRIORITY, MAX_DESCRIPTION_CHARS, MAX_HOTWORD_CHARS, MAX_HOTWORDS, MAX_METADATA_BYTES, MAX_PROMPT_CHARS,
    MAX_ROLE_CHARS, MAX_ROLES, MAX_SPEAKERS, MAX_TEXT_CHARS, TEXT_FIELDS,
};

/// A recording, and what the client says of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the parts are read one by one as they arrive")]
pub(crate) struct RecordingForm {
    /// The recording, in any of the formats of `GET /info`; its file name is kept as a label. Samples without a header are
    /// told by the part's media type (`audio/PCMA;rate=8000;channels=2`) or by the ending of the name (`.al`, `.ul`).
    #[schema(schema_with = recording)]
    file: Vec<u8>,
    /// About the call: JSON.
    #[schema(schema_with = metadata, required = false)]
    metadata: Value,
    /// What to do with it: JSON.
    #[schema(schema_with = options, required = false)]
    options: Value,
}

fn recording() -> Object {
    // OpenAPI 3.1 describes raw bytes by their media type alone; `format` is what older tools go by.
    let binary = utoipa::openapi::SchemaFormat::Custom("binary".to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).description(Some("The recording")).build()
}

/// The name of a file in `incoming/`.
pub(crate) fn file_name() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The name of a file lying directly in `incoming/`"))
        .examples([json!("call.wav")])
        .build()
}

/// What a recording holds that has no header.
pub(crate) fn content_type() -> Object {
    let text = "The media type of samples without a header: `audio/PCMA`, `audio/PCMU`, `audio/basic` or `audio/L16`, with `rate` and \
                `channels` (default 8000 and 1). A header in the file counts more.";
    ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(text))
        .examples([json!("audio/PCMA;rate=8000;channels=2")])
        .build()
}

/// What a client says of a call.
pub(crate) fn metadata() -> RefOr<Schema> {
    Ref::from_schema_name("JobMetadata").into()
}

/// What a client wants of a recording.
pub(crate) fn options() -> RefOr<Schema> {
    Ref::from_schema_name("JobOptions").into()
}

/// The schemas that the functions above name.
pub(crate) fn schemas() -> [(&'static str, Value); 2] {
    [("JobMetadata", metadata_schema()), ("JobOptions", options_schema())]
}

fn metadata_schema() -> Value {
    let text = |max: usize, what: &str| json!({ "type": ["string", "null"], "maxLength": max, "description": what });
    let mut properties = serde_json::Map::new();
    properties.insert("description".to_owned(), text(MAX_DESCRIPTION_CHARS, "For people."));
    for name in TEXT_FIELDS {
        properties.insert(name.to_owned(), text(MAX_TEXT_CHARS, "ResponseCache and returned."));
    }
    properties.insert(
        "priority".to_owned(),
        json!({
            "type": ["integer", "null"], "minimum": 1, "maximum": 10, "default": DEFAULT_PRIORITY,
            "description": "1 (lowest) to 10.",
        }),
    );
    json!({
        "type": ["object", "null"],
        "description": format!(
            "About the call: kept and returned. Any other fields may stand here too; without the description all of it is \
             at most {MAX_METADATA_BYTES} bytes of JSON."
        ),
        "properties": properties,
        "additionalProperties": true,
        "example": { "description": "Interview recording", "priority": 5 },
    })
}

fn options_schema() -> Value {
    let flag = |what: &str, default: Value| {
        let mut flag = json!({ "type": ["boolean", "null"], "description": what });
        if !default.is_null() {
            flag["default"] = default;
        }
        flag
    };
    let texts = |most: usize, max: usize, what: &str| {
        json!({
            "type": ["array", "null"], "maxItems": most, "items": { "type": "string", "maxLength": max }, "description": what,
        })
    };
    let count = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": MAX_SPEAKERS });
    json!({
        "type": ["object", "null"],
        "description": "What to do with the recording. Null is as good as nothing; an unknown option is a mistake.",
        "additionalProperties": false,
        "properties": {
            "language": {
                "type": ["string", "null"], "pattern": "^([A-Za-z]{2,3}|[Aa][Uu][Tt][Oo])$",
                "description": "ISO 639-1, or `auto`. The default is a setting of the server.",
            },
            "translate": flag("Into English.", json!(false)),
            "prompt": {
                "type": ["string", "null"], "maxLength": MAX_PROMPT_CHARS,
                "description": "Text put before the recording: sets names and style.",
            },
            "hotwords": texts(MAX_HOTWORDS, MAX_HOTWORD_CHARS, "Words to expect."),
            "speakers": {
                "description": "What is known of the number of speakers: `count`, or `min`, `max` or both; `min` is not above `max`.",
                "anyOf": [
                    { "type": "null" },
                    { "type": "object", "properties": { "count": count }, "additionalProperties": false },
                    { "type": "object", "properties": { "min": count, "max": count }, "additionalProperties": false },
                ],
            },
            "channels": {
                "type": ["string", "null"], "enum": ["auto", "mix", "split", null], "default": "auto",
                "description": "Whether channels are taken apart; `auto` finds out.",
            },
            "channel_roles": texts(MAX_ROLES, MAX_ROLE_CHARS, "A role for each channel."),
            "word_timestamps": flag("Publish each word with its times.", json!(true)),
            "diarize": flag("Find out who speaks when. The default is a setting of the server.", Value::Null),
            "recognize": flag("Compare with the enrolled voices. The default is a setting of the server.", Value::Null),
            "lookup_contacts": flag("Look up the address book. The default is a setting of the server.", Value::Null),
            "strict": flag("A stage that fails, or lacks its model, fails the job.", json!(false)),
        },
        "example": { "language": "ru", "speakers": { "count": 2 }, "channel_roles": ["agent", "customer"] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::fields::{OPTION_NAMES, Source, metadata, options};

    #[test]
    fn every_option_is_described_and_the_examples_are_taken() {
        let schema = options_schema();
        let mut described: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = OPTION_NAMES.to_vec();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(described, known);
        assert!(options(Source::Field(Some(&schema["example"]))).is_ok());
        assert!(metadata(Source::Field(Some(&metadata_schema()["example"]))).is_ok());
    }
}
