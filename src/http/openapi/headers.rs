//! The headers of answers.

use serde_json::{Map, Value, json};

/// What every answer carries.
pub(super) const EVERYWHERE: [&str; 4] = ["X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
/// What every error carries too.
pub(super) const OF_ERRORS: [&str; 2] = ["Content-Language", "Vary"];

/// All of them, by name.
pub(super) fn all() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let listed = [
        ("X-Request-Id", text(), "Names the request, as in the server's log."),
        ("X-RateLimit-Limit", count(), "The client's budget, in requests."),
        ("X-RateLimit-Remaining", count(), "What is left of it."),
        ("X-RateLimit-Reset", count(), "When it is whole again: Unix time in seconds."),
        ("Content-Language", text(), "The language of the messages for people."),
        ("Vary", text(), "What else the answer depends on."),
        ("Retry-After", count(), "Seconds after which the same request may succeed."),
        ("WWW-Authenticate", text(), "How to show a key."),
        ("Content-Range", text(), "Which part this is; with 416 the size of the whole."),
        ("Location", text(), "Where the job is."),
        ("Idempotency-Replayed", text(), "`true` when an earlier request of the same name made the job."),
        ("Preference-Applied", text(), "The preference that was kept to, for example `wait=30`."),
        ("ETag", text(), "Names this content."),
        ("Cache-Control", text(), "Who may keep it, and for how long."),
        ("Accept-Ranges", text(), "`bytes`: parts can be asked for."),
        ("Content-Disposition", text(), "The name to save it under."),
    ];
    let header = |(name, schema, description): (&str, Value, &str)| {
        (name.to_owned(), json!({ "schema": schema, "description": description }))
    };
    listed.into_iter().map(header).collect()
}
