//! A refused request as its client sees it: the same over HTTP and over WebSocket.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::codes::Code;
use crate::checks::{ERROR_TYPES, FailedCheck};
use crate::http::format::time;
use crate::messages::Language;

/// Every answer with an error has this form.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong with a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    /// Stable, for programs.
    #[schema(schema_with = code_schema)]
    pub code: &'static str,
    /// For people, in the language of `Content-Language`.
    pub message: String,
    /// More, for developers; always in English.
    pub developer_message: String,
    /// What belongs to this code, for example `checks_failed` (see `FailedCheck`), or the limit that was passed.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When.
    #[serde(serialize_with = "time")]
    pub timestamp: DateTime<Utc>,
    /// As in `X-Request-Id` and in the server's log; over WebSocket the command's `request_id`, when it is a text.
    pub request_id: String,
    /// Whether the same request may succeed later; then `Retry-After` says when.
    pub retryable: bool,
    /// What the code means and what to do.
    pub help_url: String,
}

/// One of the checks that a request failed, in `details.checks_failed`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FailedCheck)]
pub(crate) struct FailedCheckBody {
    /// Where, for example `metadata.priority`.
    pub field: String,
    /// The kind of mistake: stable, for programs.
    #[schema(schema_with = error_type_schema)]
    pub error_type: &'static str,
    /// For people, in the language of `Content-Language`.
    pub message: String,
    /// What would do, where it can be said in values.
    #[schema(value_type = Object)]
    pub constraints: Value,
}

impl FailedCheckBody {
    /// A failed check as a client reads it who speaks this language.
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
