//! The description of the interface (OpenAPI 3.1), made from the handlers and the types they take and give.
//!
//! The router and the description are built by one call for each handler, so neither can have what the other lacks. What the
//! types do not tell is added here from tables: parameters with their limits, refusals made of the codes, headers, examples.

mod examples;
mod headers;
mod operations;
mod parameters;
pub(super) mod requests;
mod responses;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::bodies::error::{ErrorEnvelope, FailedCheckBody};
use super::bodies::message::JobEvent;
use super::error::{Code, ERROR_TYPES};
use crate::document::ResultFile;
use operations::{Counterpart, Operation};
pub use schemas::{messages_text, result_text};

/// The version of the standard that the document keeps to.
const VERSION: &str = "3.1.0";
/// Where an operation names its WebSocket counterpart.
const COMMAND: &str = "x-websocket-command";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "CallAnnotate",
        description = "Turns recorded telephone calls into annotations: who spoke when, what each one said, and who they are.\n\n\
            Every error has one form, see `ErrorEnvelope`; the codes are explained at `/docs/errors`. An unknown address is \
            answered 404 `NOT_FOUND`, a method that an address does not take 405 `METHOD_NOT_ALLOWED` with `Allow`.\n\n\
            The same can be done over WebSocket: `/ws/{job_id}` follows one job, `/ws` is a session for everything. \
            `x-websocket-command` names the command for each operation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Jobs", description = "Recordings, how far they are, and what came out"),
        (name = "Queue", description = "What waits"),
        (name = "System", description = "The server itself"),
    ),
    components(schemas(ErrorEnvelope, FailedCheckBody, ResultFile, JobEvent<'static>)),
)]
struct Frame;

/// What stands in the document whatever the operations are.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The document, as it is published: JSON with a line break at its end.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| pretty(&document()));
    &TEXT
}

/// The document of a server that asks for keys: there none of what asks for one can be done without.
pub(super) fn text_with_keys() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = document();
        let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
        for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            if let Value::Array(ways) = &mut operation["security"] {
                ways.retain(|way| *way != json!({}));
            }
        }
        pretty(&document)
    });
    &TEXT
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The schema of a code.
pub(super) fn code_schema() -> Object {
    let names = Code::ALL.map(Code::name);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some("Stable, for programs")).build()
}

/// The schema of the kind of a mistake.
pub(super) fn error_type_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ERROR_TYPES)).build()
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn document() -> Value {
    let described = super::routes().into_openapi();
    let mut document = serde_json::to_value(described).expect("the derived document is JSON");
    document["openapi"] = json!(VERSION);
    let components = &mut document["components"];
    components["parameters"] = parameters::all().into();
    components["headers"] = headers::all().into();
    components["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "A key of this server, where keys are asked for." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key, in a header of its own." },
    });
    for (name, schema) in requests::schemas() {
        components["schemas"][name] = schema;
    }
    for (name, example) in examples::all() {
        components["schemas"][name]["example"] = example;
    }
    let Some(Value::Object(paths)) = document.get_mut("paths") else { return document };
    for (path, item) in paths {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            if let Some(known) = operations::find(&id) {
                complete(operation, known);
            }
            if !path.starts_with("/api/v1") {
                operation["operationId"] = json!(format!("{id}_at_root"));
            }
        }
    }
    document
}

/// Adds to an operation what its handler's types do not tell.
fn complete(operation: &mut Value, known: &Operation) {
    let is_open = operations::OPEN.contains(&known.id);
    let parameters = known.parameters.iter().chain(&parameters::EVERYWHERE);
    operation["parameters"] = parameters.map(|name| reference("parameters", name)).collect();
    operation["security"] = if is_open { json!([]) } else { json!([{}, { "bearer": [] }, { "apiKey": [] }]) };
    if let Counterpart::Commands(commands) = known.counterpart {
        operation[COMMAND] = json!(commands);
    }
    let with_keys = operations::WITH_KEYS.iter().filter(|_| !is_open);
    let codes = operations::EVERYWHERE.iter().chain(with_keys).chain(known.codes).copied();
    let mut of_refusals = responses::refusals(codes);
    if let Value::Object(responses) = &mut operation["responses"] {
        for (status, response) in responses.iter_mut() {
            let own = known.headers.iter().filter(|(of, _)| *of == status.as_str()).flat_map(|(_, names)| *names);
            add_headers(response, own);
            of_refusals.remove(status);
        }
        for (status, (mut response, names)) in of_refusals {
            add_headers(&mut response, &names);
            responses.insert(status, response);
        }
    }
    if known.id == "get_events" {
        operation["responses"]["200"]["content"]["text/event-stream"]["schema"] = server_sent_event();
    }
    if known.id == "create_job" {
        operation["responses"]["201"]["links"] = links();
        let form = &mut operation["requestBody"]["content"]["multipart/form-data"];
        form["encoding"] = json!({
            "file": { "contentType": "audio/*, application/octet-stream" },
            "metadata": { "contentType": "application/json" },
            "options": { "contentType": "application/json" },
        });
    }
}

/// One event of a stream, field by field as the standard of Server-Sent Events has them.
fn server_sent_event() -> Value {
    json!({
        "type": "object",
        "description": "One event; the first line of the stream sets `retry`, comments keep it open.",
        "required": ["data"],
        "properties": {
            "id": { "type": "string", "description": "The event's number." },
            "data": {
                "type": "string", "contentMediaType": "application/json",
                "contentSchema": reference("schemas", "JobEvent"),
            },
        },
    })
}

fn add_headers<'a>(response: &mut Value, own: impl IntoIterator<Item = &'a &'static str>) {
    for name in headers::EVERYWHERE.iter().chain(own) {
        response["headers"][*name] = reference("headers", name);
    }
}

/// Where a new job leads.
fn links() -> Value {
    let ids = ["get_job", "get_result", "get_events", "get_audio", "cancel_job", "retry_job", "delete_job"];
    let link = json!({ "job_id": "$response.body#/job_id" });
    ids.map(|id| (id.to_owned(), json!({ "operationId": id, "parameters": link }))).into_iter().collect::<Map<_, _>>().into()
}
