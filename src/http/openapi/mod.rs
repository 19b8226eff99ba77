//! Builds the description of the interface (OpenAPI 3.1) from declared routes.
//!
//! A route and its description are one call, so neither can exist without the other. What the handlers' types do not express
//! comes from the declarations: parameters with their limits, errors by code, headers, WebSocket counterparts.

pub(crate) mod reference;
mod responses;
pub(crate) mod schemas;

use serde_json::{Map, Value, json};

use super::error::Code;
use super::routes::{Access, COMMON_HEADERS, COMMON_PARAMETERS, Counterpart, Declared, Description, Header};
use reference::reference;

/// The version of the OpenAPI standard.
const VERSION: &str = "3.1.0";
/// Where an operation names its WebSocket counterpart.
const COMMAND: &str = "x-websocket-command";
/// The codes that every request can be answered with.
const COMMON_CODES: [Code; 4] = [Code::InvalidRequest, Code::HostNotAllowed, Code::RateLimited, Code::Internal];
/// The codes of every request that needs a key: others are answered on any connection.
const KEY_CODES: [Code; 3] = [Code::Unauthorized, Code::Forbidden, Code::TooManyConnections];

/// The document of these routes. `openapi` in the description holds the frame: title, and schemas beside the routes'.
///
/// # Panics
/// When a derived schema is not valid JSON; the tests would show it.
pub(crate) fn document(description: Description) -> Value {
    let Description { openapi, operations, schemas, examples, mut tags } = description;
    let mut document = serde_json::to_value(openapi).expect("the derived document is JSON");
    document["openapi"] = json!(VERSION);
    tags.sort_unstable();
    document["tags"] = tags.into_iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    let mut parts = Parts::default();
    for declared in &operations {
        let described = &mut document["paths"][&declared.path][declared.method.as_str().to_ascii_lowercase()];
        complete(described, declared, &mut parts);
    }
    let components = &mut document["components"];
    components["parameters"] = parts.parameters.into();
    components["headers"] = parts.headers.into();
    components["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "A key of this server, where keys are asked for." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key, in a header of its own." },
    });
    for (name, schema) in schemas {
        components["schemas"][name] = schema;
    }
    for (name, example) in examples {
        components["schemas"][name]["example"] = example;
    }
    document
}

/// Turns the document into that of a server that requires keys: without a key, only open operations can be used.
pub(crate) fn require_keys(document: &mut Value) {
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Value::Array(ways) = &mut operation["security"] {
            ways.retain(|way| *way != json!({}));
        }
    }
}

/// The components that operations refer to.
#[derive(Default)]
struct Parts {
    parameters: Map<String, Value>,
    headers: Map<String, Value>,
}

impl Parts {
    fn add_headers<'a>(&mut self, response: &mut Value, own: impl IntoIterator<Item = &'a Header>) {
        for header in COMMON_HEADERS.iter().chain(own) {
            response["headers"][header.name] = reference("headers", header.name);
            self.headers.insert(header.name.to_owned(), header.component());
        }
    }
}

/// Adds the content of its declaration to an operation.
fn complete(described: &mut Value, declared: &Declared, parts: &mut Parts) {
    let operation = &declared.operation;
    let is_open = operation.terms.access == Access::Open;
    let parameters: Vec<_> = operation.parameters.iter().chain(&COMMON_PARAMETERS).collect();
    described["parameters"] = parameters.iter().map(|parameter| reference("parameters", parameter.key)).collect();
    parts.parameters.extend(parameters.into_iter().map(|parameter| (parameter.key.to_owned(), parameter.component())));
    described["security"] = if is_open { json!([]) } else { json!([{}, { "bearer": [] }, { "apiKey": [] }]) };
    if let Counterpart::Commands(commands) = operation.counterpart {
        described[COMMAND] = json!(commands);
    }
    let key_codes = KEY_CODES.iter().filter(|_| !is_open);
    let codes = COMMON_CODES.iter().chain(key_codes).chain(operation.codes).copied();
    let mut refusals = responses::refusals(codes);
    if let Value::Object(responses) = &mut described["responses"] {
        for (status, response) in responses.iter_mut() {
            let own = operation.headers.iter().filter(|(of, _)| *of == status.as_str()).flat_map(|(_, headers)| *headers);
            parts.add_headers(response, own);
            refusals.remove(status);
        }
        for (status, (mut response, headers)) in refusals {
            parts.add_headers(&mut response, &headers);
            responses.insert(status, response);
        }
    }
    (operation.finish)(described);
}
