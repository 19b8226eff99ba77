//! Parameters and response headers that operations declare, and those that every operation has.

use serde_json::{Value, json};

/// A parameter of an operation. The schema states the limits that the handler checks; a header that is only a hint has none,
/// since a bad value is ignored instead of refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    /// The name of the component that operations refer to.
    pub(crate) key: &'static str,
    place: &'static str,
    name: &'static str,
    schema: fn() -> Value,
    description: &'static str,
    comma_separated: bool,
}

impl Parameter {
    /// A segment of the address.
    pub(crate) const fn path(key: &'static str, name: &'static str, schema: fn() -> Value, description: &'static str) -> Self {
        Self { key, place: "path", name, schema, description, comma_separated: false }
    }

    /// A parameter in the query of the address.
    pub(crate) const fn query(key: &'static str, name: &'static str, schema: fn() -> Value, description: &'static str) -> Self {
        Self { key, place: "query", name, schema, description, comma_separated: false }
    }

    /// A header of the request.
    pub(crate) const fn header(key: &'static str, name: &'static str, schema: fn() -> Value, description: &'static str) -> Self {
        Self { key, place: "header", name, schema, description, comma_separated: false }
    }

    /// Passes the items of the array in one parameter, separated by commas.
    pub(crate) const fn comma_separated(mut self) -> Self {
        self.comma_separated = true;
        self
    }

    /// The component of the description.
    pub(crate) fn component(&self) -> Value {
        let mut component = json!({
            "in": self.place, "name": self.name, "required": self.place == "path", "description": self.description,
            "schema": (self.schema)(),
        });
        if self.comma_separated {
            component["explode"] = json!(false);
        }
        component
    }
}

/// A header of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) name: &'static str,
    schema: fn() -> Value,
    description: &'static str,
}

impl Header {
    /// A header with any text.
    pub(crate) const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, schema: any_text, description }
    }

    /// A header with a number that is not negative.
    pub(crate) const fn count(name: &'static str, description: &'static str) -> Self {
        Self { name, schema: count, description }
    }

    /// The component of the description.
    pub(crate) fn component(&self) -> Value {
        json!({ "schema": (self.schema)(), "description": self.description })
    }
}

/// The schema of a text without limits.
pub(crate) fn any_text() -> Value {
    json!({ "type": "string" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// The parameters of every operation.
pub(crate) const COMMON_PARAMETERS: [Parameter; 2] = [
    Parameter::header("AcceptLanguage", "Accept-Language", any_text, "The language of messages for people: `en` or `ru`."),
    Parameter::header(
        "RequestId",
        "X-Request-Id",
        any_text,
        "A name for the request: 1 to 100 letters, digits, `-`, `_`, `.`; others are replaced.",
    ),
];

/// The headers of every answer.
pub(crate) const COMMON_HEADERS: [Header; 4] = [
    Header::text("X-Request-Id", "Names the request, as in the server's log."),
    Header::count("X-RateLimit-Limit", "The client's budget, in requests."),
    Header::count("X-RateLimit-Remaining", "What is left of it."),
    Header::count("X-RateLimit-Reset", "When it is whole again: Unix time in seconds."),
];

/// The headers of every error, beside [`COMMON_HEADERS`].
pub(crate) const ERROR_HEADERS: [Header; 2] = [
    Header::text("Content-Language", "The language of the messages for people."),
    Header::text("Vary", "What else the answer depends on."),
];

/// When a refused request may be repeated.
pub(crate) const RETRY_AFTER: Header = Header::count("Retry-After", "Seconds after which the same request may succeed.");
/// The challenge of a request without a valid key.
pub(crate) const WWW_AUTHENTICATE: Header = Header::text("WWW-Authenticate", "How to show a key.");
/// The range of a partial response within the file.
pub(crate) const CONTENT_RANGE: Header = Header::text("Content-Range", "Which part this is; with 416 the size of the whole.");
/// The entity tag of a response.
pub(crate) const ETAG: Header = Header::text("ETag", "Names this content.");
/// The caching of a response.
pub(crate) const CACHE_CONTROL: Header = Header::text("Cache-Control", "Who may keep it, and for how long.");
