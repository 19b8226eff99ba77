//! The description of this interface: its frame, and the published files made from the declared routes and commands.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi;

use super::docs::Documents;
use super::events::bodies::JobEvent;
use super::jobs::requests;
use super::{commands, routes};
use crate::document::ResultFile;
use crate::http::error::{ErrorEnvelope, FailedCheckBody, reference};
use crate::http::openapi::reference::pretty;
use crate::http::openapi::schemas::{definitions_of, finish, local, own};
use crate::http::openapi::{document, require_keys};
use crate::http::ws::{answer_schema, client_message_schema};

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
    components(schemas(ErrorEnvelope, FailedCheckBody, ResultFile, JobEvent<'static>)),
)]
struct Frame;

/// The documents that the server shows.
pub(super) fn documents() -> Documents {
    Documents { open: text, with_keys: text_with_keys }
}

/// The document of all routes.
fn whole() -> Value {
    let mut description = routes(documents()).describe();
    let mut openapi = Frame::openapi();
    openapi.merge(description.openapi);
    description.openapi = openapi;
    document(description)
}

/// The document, as it is published.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| pretty(&whole()));
    &TEXT
}

/// The document of a server that requires keys.
fn text_with_keys() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = whole();
        require_keys(&mut document);
        pretty(&document)
    });
    &TEXT
}

/// `docs/errors.md` with the codes of this version.
pub fn errors_page() -> String {
    reference::page()
}

/// The JSON Schema of the body of `GET /jobs/{job_id}/result`.
pub fn result_text() -> String {
    let mut schema = own::<ResultFile>();
    finish(&mut schema, "The annotation of a completed job", definitions_of::<ResultFile>());
    pretty(&schema)
}

/// The JSON Schema of every message over WebSocket: any of them, and by name in `$defs`.
pub fn messages_text() -> String {
    let mut schema = json!({ "anyOf": [local("ClientMessage"), local("ServerMessage")] });
    let (command, mut definitions) = client_message_schema(commands());
    let (answer, of_answers) = answer_schema(commands());
    definitions.extend(of_answers);
    definitions.extend(definitions_of::<JobEvent<'static>>());
    definitions.insert("ClientMessage".to_owned(), command);
    definitions.insert("ServerMessage".to_owned(), json!({ "anyOf": [local("JobEvent"), local("Answer")] }));
    definitions.insert("JobEvent".to_owned(), own::<JobEvent<'static>>());
    definitions.insert("Answer".to_owned(), answer);
    definitions.extend(requests::schemas().map(|(name, schema)| (name.to_owned(), schema)));
    finish(&mut schema, "A message over WebSocket, from a client or from the server", definitions);
    pretty(&schema)
}
