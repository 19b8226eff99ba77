//! The schemas of commands and answers, made from the table of commands.

use serde_json::{Map, Value, json};

use super::answer::MAX_REQUEST_ID_CHARS;
use super::application::Application;
use super::command::{Commands, Described};

/// The schema of client messages, and the schemas that it refers to.
pub(crate) fn client_message_schema<A: Application>(commands: &Commands<A>) -> (Value, Map<String, Value>) {
    let (variants, definitions) = one_of(commands.messages());
    let request_id =
        json!({ "type": ["string", "number"], "maxLength": MAX_REQUEST_ID_CHARS, "description": "Repeated in the answer." });
    let description =
        "A message from a client. Each may carry a `request_id`, which the answer repeats; unknown fields are ignored.";
    let schema = json!({ "allOf": [
        { "description": description, "oneOf": variants },
        { "type": "object", "properties": { "request_id": request_id } },
    ] });
    (schema, definitions)
}

/// The schema of an answer, and the schemas that it refers to.
pub(crate) fn answer_schema<A: Application>(commands: &Commands<A>) -> (Value, Map<String, Value>) {
    let (variants, definitions) = one_of(commands.answers());
    let schema = json!({
        "description": "An answer as it is sent.",
        "allOf": [
            { "description": "An answer to a command.", "oneOf": variants },
            {
                "type": "object",
                "properties": {
                    "request_id": { "description": "Of the command, when it had one." },
                    "timestamp": { "type": "string", "format": "date-time", "description": "When it was answered." },
                },
                "required": ["timestamp"],
            },
        ],
    });
    (schema, definitions)
}

fn one_of(described: impl Iterator<Item = Described>) -> (Vec<Value>, Map<String, Value>) {
    let (mut variants, mut definitions) = (Vec::new(), Map::new());
    for Described { name, schema, definitions: named } in described {
        variants.push(with_type(schema(), name));
        definitions.extend(named());
    }
    (variants, definitions)
}

/// Adds the field `type` to the schema of an object.
fn with_type(mut schema: Value, name: &str) -> Value {
    let r#type = json!({ "type": "string", "enum": [name] });
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.push(json!({ "type": "object", "properties": { "type": r#type }, "required": ["type"] }));
        return schema;
    }
    schema["properties"]["type"] = r#type;
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.push(json!("type")),
        None => schema["required"] = json!(["type"]),
    }
    schema
}
