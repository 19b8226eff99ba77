//! Answers to commands: their form, and those that belong to every session.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::{Caller, Scope};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::format::time_text;
use crate::http::outgoing::Outgoing;

/// The key under which a client names its command.
const REQUEST_ID: &str = "request_id";
/// Longest name of a command, in characters: the answer repeats it.
pub(super) const MAX_REQUEST_ID_CHARS: usize = 255;

/// The name that a client gave its command: a text or a number.
///
/// # Errors
/// When it is longer than [`MAX_REQUEST_ID_CHARS`].
pub(super) fn request_id(message: &Value) -> Result<Option<&Value>, ApiError> {
    let id = message.get(REQUEST_ID).filter(|id| id.is_string() || id.is_number());
    if id.and_then(Value::as_str).is_some_and(|id| id.chars().nth(MAX_REQUEST_ID_CHARS).is_some()) {
        return Err(ApiError::InvalidRequest(format!("`{REQUEST_ID}` is longer than {MAX_REQUEST_ID_CHARS} characters")));
    }
    Ok(id)
}

/// An answer to a command: an object to which `type`, `request_id` and `timestamp` are added.
pub(crate) trait Answer: Serialize + ToSchema + Sized {
    /// The value of `type` in the message.
    const NAME: &'static str;

    /// The answer as it is sent. A large one is not written as a whole: it replaces this.
    fn into_reply(self) -> Reply {
        Reply::new(&self)
    }
}

/// An answer as JSON, without its closing brace: the fields of its frame are added behind it.
pub(crate) struct Reply(Outgoing);

impl Reply {
    /// Writes an answer.
    ///
    /// # Panics
    /// When the answer has keys that are no strings, which no answer has.
    pub(crate) fn new<T: Answer>(answer: &T) -> Self {
        #[derive(Serialize)]
        struct Named<'a, T> {
            r#type: &'static str,
            #[serde(flatten)]
            answer: &'a T,
        }
        let named = Named { r#type: T::NAME, answer };
        let mut text = serde_json::to_string(&named).expect("an answer has string keys and finite numbers, so it is always JSON");
        // An object with at least its type: more fields go in front of the closing brace.
        text.pop();
        Self(text.into())
    }

    /// Puts a text where the answer has a placeholder.
    ///
    /// # Panics
    /// When the answer lacks the placeholder.
    pub(crate) fn fill(self, placeholder: &str, content: Outgoing) -> Self {
        Self(self.0.fill(placeholder, content))
    }

    /// The message: the answer, the command's `request_id` when it had one, and the time.
    pub(super) fn framed(self, request_id: Option<&Value>, now: DateTime<Utc>) -> Outgoing {
        let Self(mut text) = self;
        let id = request_id.map(|id| format!(",\"request_id\":{id}")).unwrap_or_default();
        text.append(&format!("{id},\"timestamp\":{}}}", json!(time_text(now))));
        text
    }
}

/// The answer to `ping`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pong {}

/// The answer to `authenticate`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Authenticated {
    /// The scopes of the key: `read`, `write`, `admin`.
    scopes: Vec<&'static str>,
}

/// The command was refused; the connection stays open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refused {
    /// The same error object as in a REST response.
    pub(super) error: ErrorBody,
}

impl Answer for Pong {
    const NAME: &'static str = "pong";
}

impl Answer for Authenticated {
    const NAME: &'static str = "authenticated";
}

impl Answer for Refused {
    const NAME: &'static str = "error";
}

impl Authenticated {
    /// The answer to a valid key.
    pub(super) fn new(caller: &Caller) -> Self {
        Self { scopes: Scope::all().filter(|scope| caller.may(*scope)).map(Scope::name).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_added_to_an_answer() {
        let answer = Authenticated { scopes: vec!["read"] };
        let framed = |reply: Reply, id: Option<&Value>| reply.framed(id, DateTime::UNIX_EPOCH).split().ok().unwrap();
        let text = framed(Reply::new(&answer), Some(&json!("a \"name\"")));
        let expected = json!({
            "type": "authenticated", "scopes": ["read"], "request_id": "a \"name\"", "timestamp": "1970-01-01T00:00:00.000Z",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        let text = framed(Pong {}.into_reply(), None);
        assert_eq!(text, r#"{"type":"pong","timestamp":"1970-01-01T00:00:00.000Z"}"#);
    }
}
