//! The schemas of request bodies, made from the limits that the checks apply.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Object, Ref, RefOr, Schema, schema::ObjectBuilder, schema::Type};

use crate::intake::fields::{
    DEFAULT_PRIORITY, MAX_DESCRIPTION_CHARS, MAX_METADATA_BYTES, MAX_PRIORITY, MAX_TEXT_CHARS, TEXT_FIELDS,
};
use crate::jobs::options::request_schema;

/// The upload of a recording with its metadata and options.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the parts are read one by one as they arrive")]
pub(crate) struct RecordingForm {
    /// The recording, in any of the formats of `GET /info`; its file name is kept as a label. The format of samples without a
    /// header is given by the part's media type (`audio/PCMA;rate=8000;channels=2`) or the extension of the name (`.al`, `.ul`).
    #[schema(schema_with = recording)]
    file: Vec<u8>,
    /// Facts about the call, as a JSON object.
    #[schema(schema_with = metadata, required = false)]
    metadata: Value,
    /// The options of the job, as a JSON object.
    #[schema(schema_with = options, required = false)]
    options: Value,
}

fn recording() -> Object {
    // OpenAPI 3.1 describes raw bytes by their media type alone; older tools need `format`.
    let binary = utoipa::openapi::SchemaFormat::Custom("binary".to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).description(Some("The recording")).build()
}

/// The name of a file in `incoming/`.
pub(crate) fn file_name() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The name of a file directly in `incoming/`"))
        .examples([json!("call.wav")])
        .build()
}

/// The media type of a recording without a header.
pub(crate) fn content_type() -> Object {
    let text = "The media type of samples without a header: `audio/PCMA`, `audio/PCMU`, `audio/basic` or `audio/L16`, with `rate` and \
                `channels` (default 8000 and 1). A header in the file takes precedence.";
    ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(text))
        .examples([json!("audio/PCMA;rate=8000;channels=2")])
        .build()
}

pub(crate) fn metadata() -> RefOr<Schema> {
    Ref::from_schema_name("JobMetadata").into()
}

pub(crate) fn options() -> RefOr<Schema> {
    Ref::from_schema_name("JobOptions").into()
}

/// The schemas that the functions above refer to.
pub(crate) fn schemas() -> [(&'static str, Value); 2] {
    [("JobMetadata", metadata_schema()), ("JobOptions", request_schema())]
}

fn metadata_schema() -> Value {
    let text = |max: usize, what: &str| json!({ "type": ["string", "null"], "maxLength": max, "description": what });
    let mut properties = serde_json::Map::new();
    properties.insert("description".to_owned(), text(MAX_DESCRIPTION_CHARS, "A description of the call for people."));
    for name in TEXT_FIELDS {
        properties.insert(name.to_owned(), text(MAX_TEXT_CHARS, "Stored and returned unchanged."));
    }
    properties.insert(
        "priority".to_owned(),
        json!({
            "type": ["integer", "null"], "minimum": 1, "maximum": MAX_PRIORITY, "default": DEFAULT_PRIORITY,
            "description": "The priority in the queue, from 1 (lowest) to 10 (highest).",
        }),
    );
    json!({
        "type": ["object", "null"],
        "description": format!(
            "Facts about the call, stored and returned. Other fields are allowed too; without `description` the object has at \
             most {MAX_METADATA_BYTES} bytes of JSON."
        ),
        "properties": properties,
        "additionalProperties": true,
        "example": { "description": "Interview recording", "priority": 5 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::fields::{Source, metadata};

    #[test]
    fn the_example_of_the_metadata_is_accepted() {
        assert!(metadata(&Source::Field(Some(&metadata_schema()["example"])).parsed()).is_ok());
    }
}
