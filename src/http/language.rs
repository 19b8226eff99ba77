//! The language of a request (`Accept-Language`), and the headers that name the language of a response.
//!
//! A handler takes a [`Language`] as an argument. If its answer holds messages for people, it returns the language before the
//! body: `(language, Json(body))`. The envelope does the same for errors.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};

use crate::messages::{Language, negotiate};

/// The known language that the client prefers most.
pub(super) fn of(headers: &HeaderMap, default: Language) -> Language {
    // Several lines are one list (RFC 9110, section 5.2).
    let lines: Vec<&str> = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok()).collect();
    negotiate(&lines.join(","), default)
}

/// Names the language of a response, and that it depends on the request.
pub(super) fn mark(headers: &mut HeaderMap, language: Language) {
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    let known = |line: &HeaderValue| {
        line.to_str().is_ok_and(|text| text.split(',').any(|name| name.trim().eq_ignore_ascii_case(ACCEPT_LANGUAGE.as_str())))
    };
    if !headers.get_all(VARY).iter().any(known) {
        headers.append(VARY, HeaderValue::from_static("accept-language"));
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    /// The language that the outermost layer negotiated.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_else(Self::english))
    }
}

impl IntoResponseParts for Language {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        mark(response.headers_mut(), self);
        Ok(response)
    }
}
