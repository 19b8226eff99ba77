//! Schemas as files of their own (JSON Schema), made from the derived schemas of OpenAPI: references within the document
//! become references within the file.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The dialect of the schemas, on which OpenAPI 3.1 is based.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of `T` itself.
pub(crate) fn own<T: PartialSchema>() -> Value {
    value(&T::schema())
}

/// The schemas that `T` refers to, by name.
pub(crate) fn definitions_of<T: ToSchema>() -> Map<String, Value> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    named.into_iter().map(|(name, schema)| (name, value(&schema))).collect()
}

/// A reference to a definition of the file.
pub(crate) fn local(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Completes a file: dialect, title, these definitions, and references that stay within the file.
pub(crate) fn finish(schema: &mut Value, title: &str, definitions: Map<String, Value>) {
    for (name, definition) in definitions {
        schema["$defs"][name] = definition;
    }
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!(title);
    make_local(schema);
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a derived schema is JSON")
}

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
