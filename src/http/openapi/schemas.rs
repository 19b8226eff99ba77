//! JSON Schemas of what is not described by OpenAPI: the result as a file of its own, and every message over WebSocket.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{pretty, requests};
use crate::document::ResultFile;
use crate::http::bodies::message::JobEvent;
use crate::http::ws::answer::Framed;
use crate::http::ws::command::Command;

/// The dialect of the schemas, the one that OpenAPI 3.1 builds on.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of the body of `GET /jobs/{job_id}/result`.
pub fn result_text() -> String {
    pretty(&file::<ResultFile>("The annotation of a completed job", &[]))
}

/// The schema of every message over WebSocket: any of them, and by name in `$defs`.
pub fn messages_text() -> String {
    let mut schema = json!({ "anyOf": [local("ClientMessage"), local("ServerMessage")] });
    let mut definitions = definitions_of::<Command>();
    definitions.append(&mut definitions_of::<Framed<'static>>());
    definitions.append(&mut definitions_of::<JobEvent<'static>>());
    definitions.insert("ClientMessage".to_owned(), client_message());
    definitions.insert("ServerMessage".to_owned(), json!({ "anyOf": [local("JobEvent"), local("Answer")] }));
    definitions.insert("JobEvent".to_owned(), own::<JobEvent<'static>>());
    definitions.insert("Answer".to_owned(), own::<Framed<'static>>());
    schema["$defs"] = definitions.into();
    finish(&mut schema, "A message over WebSocket, from a client or from the server", &requests::schemas());
    pretty(&schema)
}

/// A command, and what each may carry.
fn client_message() -> Value {
    let request_id = json!({ "type": ["string", "number"], "description": "Repeated in the answer." });
    json!({ "allOf": [own::<Command>(), { "type": "object", "properties": { "request_id": request_id } }] })
}

/// The schemas that `T` refers to, by name.
fn definitions_of<T: ToSchema>() -> Map<String, Value> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    named.into_iter().map(|(name, schema)| (name, value(&schema))).collect()
}

fn own<T: PartialSchema>() -> Value {
    value(&T::schema())
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a derived schema is JSON")
}

fn local(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn file<T: ToSchema>(title: &str, more: &[(&str, Value)]) -> Value {
    let mut schema = own::<T>();
    schema["$defs"] = definitions_of::<T>().into();
    finish(&mut schema, title, more);
    schema
}

fn finish(schema: &mut Value, title: &str, more: &[(&str, Value)]) {
    for (name, definition) in more {
        schema["$defs"][name] = definition.clone();
    }
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!(title);
    make_local(schema);
}

/// Turns references within an OpenAPI document into references within the file.
fn make_local(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "$ref" => *text = text.replace("#/components/schemas/", "#/$defs/"),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                        make_local(field);
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_local),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
