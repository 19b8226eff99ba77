//! Answers where no handler matches: an unknown address, or a method that the address does not take.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// Answers an address that no route has.
pub(super) async fn unknown_address() -> ApiError {
    ApiError::NotFound
}

/// Answers a method that the route does not have. The router adds `Allow`, which is all that `OPTIONS` asks for.
pub(super) async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    ApiError::MethodNotAllowed.into_response()
}
