//! The envelope: the published form of an error, and how it is written into a response.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::{ErrorBody, ErrorEnvelope, FailedCheckBody};
use super::codes::{ApiError, Code};
use super::define::{Account, Details};
use crate::checks::clipped;
use crate::http::language;
use crate::jobs::Failure;
use crate::jobs::stage::Stage;
use crate::messages::{Argument, Language, key};

/// The longest message for developers, in characters: it may repeat what the client sent. With the bounds of the failed checks
/// it keeps every refusal below 64 KiB.
const MAX_DEVELOPER_CHARS: usize = 4096;

/// Why a job failed, for people. The message within the failure is for developers.
pub(crate) fn failure_message(failure: &Failure, language: Language) -> String {
    let stage = failure.stage.map_or("none", Stage::name);
    language.say(&key("failure", failure.code.name()), &[("stage", Argument::Text(stage.to_owned()))])
}

impl ApiError {
    /// The content of the envelope, and of the `error` messages of a WebSocket.
    pub(crate) fn object(&self, language: Language, now: DateTime<Utc>, request_id: &str) -> ErrorBody {
        let code = self.code();
        let account = self.account();
        ErrorBody {
            code: code.name(),
            message: say(code, &account, language),
            developer_message: clipped(&account.developer_message, MAX_DEVELOPER_CHARS),
            details: published(account.details, language),
            timestamp: now,
            request_id: request_id.to_owned(),
            retryable: account.retry_after_seconds.is_some(),
            help_url: format!("/docs/errors#{}", code.anchor()),
        }
    }

    /// The message for people.
    pub(crate) fn message(&self, language: Language) -> String {
        say(self.code(), &self.account(), language)
    }

    /// Writes the envelope into a response, with its message in this language.
    pub(crate) fn write(&self, response: &mut Response, language: Language, now: DateTime<Utc>, request_id: &str) {
        let envelope = ErrorEnvelope { error: self.object(language, now, request_id) };
        let text = serde_json::to_string(&envelope).expect("an error has string keys and finite numbers, so it is always JSON");
        *response.body_mut() = Body::from(text);
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        language::mark(headers, language);
    }
}

/// The message of a code, with the number of mistakes that are not listed.
fn say(code: Code, account: &Account<'_>, language: Language) -> String {
    let message = language.say(&code.message_key(), &account.arguments);
    match &account.details {
        Details::Checks(checks) if checks.unlisted() > 0 => {
            let arguments = [("message", Argument::Text(message)), ("number", Argument::Count(checks.unlisted()))];
            language.say("checks-and-more", &arguments)
        }
        Details::Checks(_) | Details::Values(_) | Details::Failure(_) => message,
    }
}

fn published(details: Details<'_>, language: Language) -> Value {
    match details {
        Details::Values(values) => values,
        Details::Checks(checks) => {
            let listed: Vec<_> = checks.listed().iter().map(|check| FailedCheckBody::new(check, language)).collect();
            match checks.unlisted() {
                0 => json!({ "checks_failed": listed }),
                number => json!({ "checks_failed": listed, "checks_not_listed": number }),
            }
        }
        Details::Failure(failure) => json!({
            "code": failure.code.name(),
            "message": failure_message(failure, language),
            "stage": failure.stage.map(Stage::name),
        }),
    }
}
