//! Errors of requests: their definitions (`codes`), and how they become responses.
//!
//! An [`ApiError`] becomes a response without a body; the outermost layer knows the request's id and
//! language and writes the envelope. Turning an error into a response therefore has no side effect, and no error escapes the
//! envelope. Over a WebSocket [`ApiError::object`] is the same error.

mod body;
pub(crate) mod codes;
mod define;
mod envelope;
pub(crate) mod reference;
#[cfg(test)]
mod tests;

use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};

pub(crate) use crate::checks::{Checks, FailedCheck, Mistake, shown};
pub(crate) use body::{ErrorBody, ErrorEnvelope, FailedCheckBody};
pub(crate) use codes::{ApiError, Code};
pub(crate) use envelope::failure_message;

impl ApiError {
    /// Seconds after which the same request may succeed, where time alone can help.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.account().retry_after_seconds
    }

    /// The cause that goes to the log and never to the client.
    pub(crate) fn hidden_cause(&self) -> Option<&str> {
        self.account().hidden_cause
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        let account = self.account();
        if let Some(seconds) = account.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Some((name, value)) = account.header {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}
