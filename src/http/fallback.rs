//! What is answered where no handler is: an unknown address, and a method that a known address does not take.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// Nothing is at this address.
pub(super) async fn unknown_address() -> ApiError {
    ApiError::NotFound
}

/// The router adds `Allow`, which is all that `OPTIONS` asks for.
pub(super) async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    ApiError::MethodNotAllowed.into_response()
}
