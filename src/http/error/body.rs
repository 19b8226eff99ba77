//! The published error of a refused request: the same over HTTP and over WebSocket.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::codes::Code;
use crate::checks::{ERROR_TYPES, FailedCheck};
use crate::http::format::time;
use crate::messages::Language;

/// The body of every error response.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// The error that the request was answered with.
    pub error: ErrorBody,
}

/// An error: why a request was refused.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    /// The stable code of the error, for programs; `/docs/errors` explains each.
    #[schema(schema_with = code_schema)]
    pub code: &'static str,
    /// A message for people, in the language of `Content-Language`.
    pub message: String,
    /// A more detailed message for developers, always in English.
    pub developer_message: String,
    /// Values that depend on the code, for example `checks_failed` (see `FailedCheck`; at most 20, and the number of the others as
    /// `checks_not_listed`) or the limit that was exceeded; may be empty.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When the error occurred: RFC 3339 in UTC, in milliseconds.
    #[serde(serialize_with = "time")]
    pub timestamp: DateTime<Utc>,
    /// The id of the request, as in `X-Request-Id` and in the server's log; over WebSocket the command's `request_id`, if it is a
    /// text.
    pub request_id: String,
    /// Whether the same request may succeed later; if so, `Retry-After` states when.
    pub retryable: bool,
    /// The address of the page that explains the code and what to do, relative to the server's root.
    pub help_url: String,
}

/// A check that a request failed: an item of `details.checks_failed`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FailedCheck)]
pub(crate) struct FailedCheckBody {
    /// The path of the field or parameter, for example `metadata.priority`.
    pub field: String,
    /// The stable kind of mistake, for programs.
    #[schema(schema_with = error_type_schema)]
    pub error_type: &'static str,
    /// A message for people, in the language of `Content-Language`.
    pub message: String,
    /// The accepted values, for example `{"min": 1, "max": 10}`; an empty object where they cannot be expressed as values.
    #[schema(value_type = Object)]
    pub constraints: Value,
}

impl FailedCheckBody {
    /// A failed check with its message in this language.
    pub(crate) fn new(check: &FailedCheck, language: Language) -> Self {
        Self {
            field: check.field.clone(),
            error_type: check.error_type(),
            message: check.message(language),
            constraints: check.constraints(),
        }
    }
}

fn code_schema() -> Object {
    let names = Code::all().map(Code::name);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some("Stable, for programs")).build()
}

fn error_type_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ERROR_TYPES.iter().copied())).build()
}
