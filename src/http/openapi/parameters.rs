//! The parameters and the headers of requests, with the limits that the handlers keep to.
//!
//! A header that is only a hint has no limits here: what it may not be is not refused but ignored.

use serde_json::{Map, Value, json};

use crate::http::bodies::job::JobBody;
use crate::http::operations::admission::MAX_KEY_CHARS;
use crate::http::operations::list::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::http::parameters::{MAX_CURSOR_CHARS, MAX_TEXT_CHARS, MAX_WAIT_SECONDS};
use crate::http::query::MAX_ITEMS;
use crate::jobs::JobState;

/// The form of a cursor, so that tools do not make up others; what it means is the server's business.
const CURSOR: &str = "^((0|[1-9a-f][0-9a-f]{0,15})\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$";

/// The form of an idempotency key: printable ASCII; spaces around the value of a header are no part of it.
const KEY: &str = "^[!-~]([ -~]*[!-~])?$";

/// What every operation takes.
pub(super) const EVERYWHERE: [&str; 2] = ["AcceptLanguage", "RequestId"];

/// All of them, by the names under which operations refer to them.
pub(super) fn all() -> Map<String, Value> {
    let text = |max: usize| json!({ "type": "string", "maxLength": max });
    let hint = || json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    let names =
        json!({ "type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": { "type": "string", "enum": JobBody::FIELDS } });
    let statuses =
        json!({ "type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": { "type": "string", "enum": JobState::NAMES } });
    let cursor = json!({ "type": "string", "maxLength": MAX_CURSOR_CHARS, "pattern": CURSOR });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": KEY });
    let moment = json!({ "type": "string", "format": "date-time" });
    let wait = json!({ "type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let sort = json!({ "type": "string", "enum": ["-created_at", "created_at"], "default": "-created_at" });
    let job = parameter("path", "job_id", json!({ "type": "string", "format": "uuid" }), "The job.");
    let mut fields =
        parameter("query", "fields", names, "The fields of each job to tell, separated by commas; all when left out.");
    fields["explode"] = json!(false);
    let listed = [
        ("JobId", job),
        ("Limit", parameter("query", "limit", limit, "Most jobs of the page.")),
        ("Cursor", parameter("query", "cursor", cursor, "Where the page begins: `next_cursor` of the page before.")),
        ("Status", parameter("query", "status", statuses, "Only jobs in one of these.")),
        ("CreatedAfter", parameter("query", "created_after", moment.clone(), "Only jobs accepted later than this.")),
        ("CreatedBefore", parameter("query", "created_before", moment, "Only jobs accepted earlier than this.")),
        ("ExternalId", parameter("query", "external_id", text(MAX_TEXT_CHARS), "Only jobs with this `metadata.external_id`.")),
        ("Filename", parameter("query", "filename", text(MAX_TEXT_CHARS), "Only jobs whose file name holds this.")),
        ("Sort", parameter("query", "sort", sort, "The order: newest or oldest first.")),
        ("Fields", fields),
        ("Wait", parameter("query", "wait", wait, "Seconds to wait for a change (long poll).")),
        ("LastSeq", parameter("query", "last_seq", number, "The number of the last event that the client knows of.")),
        ("Prefer", parameter("header", "Prefer", hint(), "`wait=N` is as good as the parameter `wait` (RFC 7240), up to 60.")),
        (
            "LastEventId",
            parameter(
                "header",
                "Last-Event-ID",
                json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
                "The number of the last event that the client knows of, as browsers send it; counts more than `last_seq`.",
            ),
        ),
        ("IfNoneMatch", parameter("header", "If-None-Match", hint(), "The `ETag` of the result that the client has.")),
        ("Range", parameter("header", "Range", hint(), "The part that is wanted, for example `bytes=0-65535`.")),
        ("IfRange", parameter("header", "If-Range", hint(), "The `ETag` of the recording of which the client has a part.")),
        (
            "IdempotencyKey",
            parameter(
                "header",
                "Idempotency-Key",
                key.clone(),
                "The client's own name for the request: sent again with the same body it is answered as before and makes no \
                 second job. Lives as long as its job.",
            ),
        ),
        (
            "IdempotencyToken",
            parameter("header", "X-Idempotency-Token", key, "Another name of `Idempotency-Key`, which counts more."),
        ),
        ("AcceptLanguage", parameter("header", "Accept-Language", hint(), "The language of messages for people: `en` or `ru`.")),
        (
            "RequestId",
            parameter(
                "header",
                "X-Request-Id",
                hint(),
                "A name for the request: 1 to 100 letters, digits, `-`, `_`, `.`; others are replaced.",
            ),
        ),
    ];
    listed.into_iter().map(|(key, parameter)| (key.to_owned(), parameter)).collect()
}

fn parameter(place: &str, name: &str, schema: Value, description: &str) -> Value {
    let mut parameter = json!({ "in": place, "name": name, "required": place == "path", "description": description });
    parameter["schema"] = schema;
    parameter
}
