//! Answers requests without a handler: an unknown address, or a method that the address does not support.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// Answers a request to an unknown address.
pub(super) async fn unknown_address() -> ApiError {
    ApiError::NotFound
}

/// Answers a method that the route does not support. The router adds `Allow`, which is all that `OPTIONS` needs.
pub(super) async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    ApiError::MethodNotAllowed.into_response()
}
