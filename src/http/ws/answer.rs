//! Answers to commands: their form, and those that belong to every session.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::{Caller, Scope};
use crate::http::error::ErrorBody;
use crate::http::format::time_text;

/// An answer to a command: an object to which `type`, `request_id` and `timestamp` are added.
pub(crate) trait Answer: Serialize + ToSchema {
    /// The value of `type` in the message.
    const NAME: &'static str;
}

/// An answer as JSON, before the fields of its frame are added. Kept as text, so that a large result is copied once.
#[derive(Debug, Clone)]
pub(crate) struct Reply(String);

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
        Self(serde_json::to_string(&named).expect("an answer has string keys and finite numbers, so it is always JSON"))
    }

    /// The message: the answer, the command's `request_id` when it had one, and the time.
    pub(super) fn framed(self, request_id: Option<&Value>, now: DateTime<Utc>) -> String {
        let Self(mut text) = self;
        // An object with at least its type: more fields go in front of the closing brace.
        text.pop();
        if let Some(id) = request_id {
            text.push_str(",\"request_id\":");
            text.push_str(&id.to_string());
        }
        text.push_str(",\"timestamp\":");
        text.push_str(&json!(time_text(now)).to_string());
        text.push('}');
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
        let text = Reply::new(&answer).framed(Some(&json!("a \"name\"")), DateTime::UNIX_EPOCH);
        let expected = json!({
            "type": "authenticated", "scopes": ["read"], "request_id": "a \"name\"", "timestamp": "1970-01-01T00:00:00.000Z",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        let text = Reply::new(&Pong {}).framed(None, DateTime::UNIX_EPOCH);
        assert_eq!(text, r#"{"type":"pong","timestamp":"1970-01-01T00:00:00.000Z"}"#);
    }
}
