//! The error responses of an operation, one for each status, made from the codes that it can be refused with.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::reference::reference;
use crate::http::error::{ApiError, Code, ErrorEnvelope};
use crate::http::routes::{CONTENT_RANGE, ERROR_HEADERS, Header, RETRY_AFTER, WWW_AUTHENTICATE};
use crate::messages::Language;

/// The responses for these codes, by status, and the headers of each.
pub(super) fn refusals(codes: impl IntoIterator<Item = Code>) -> BTreeMap<String, (Value, Vec<Header>)> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), (response(&codes), headers(&codes)))).collect()
}

fn headers(codes: &[Code]) -> Vec<Header> {
    let mut headers = ERROR_HEADERS.to_vec();
    if codes.iter().any(|code| ApiError::example(*code).retry_after_seconds().is_some()) {
        headers.push(RETRY_AFTER);
    }
    if codes.contains(&Code::Unauthorized) {
        headers.push(WWW_AUTHENTICATE);
    }
    if codes.contains(&Code::RangeNotSatisfiable) {
        headers.push(CONTENT_RANGE);
    }
    headers
}

fn response(codes: &[Code]) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    let lines: Vec<String> = codes
        .iter()
        .map(|code| format!("* `{}`: {}", code.name(), ApiError::example(*code).message(Language::english())))
        .collect();
    let examples: Map<String, Value> =
        codes.iter().map(|code| (code.name().to_owned(), json!({ "value": example(*code) }))).collect();
    let this_code = json!({ "properties": { "error": { "properties": { "code": { "enum": names } } } } });
    json!({
        "description": lines.join("\n"),
        "content": { "application/json": {
            "schema": { "allOf": [reference("schemas", "ErrorEnvelope"), this_code] },
            "examples": examples,
        } },
    })
}

/// The envelope of an error with this code, as it would be sent.
fn example(code: Code) -> Value {
    let at = DateTime::from_timestamp(1_795_176_000, 0).unwrap_or_default();
    let error = ApiError::example(code).object(Language::english(), at, "req_550e8400-e29b-41d4-a716-446655440000");
    serde_json::to_value(ErrorEnvelope { error }).expect("an error has string keys and finite numbers, so it is always JSON")
}
