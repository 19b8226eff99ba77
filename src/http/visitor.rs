//! The address, the caller and the web page of a request, as the guard found them.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::ApiError;
use super::serve::Connection;
use crate::access::Caller;
use crate::access::limits::Client;
use crate::access::origins::Page;

/// The address and the key of a request. `caller` is `None` if keys are required and none was sent: on an open route, or for
/// a WebSocket that still has to authenticate.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) address: IpAddr,
    pub(crate) caller: Option<Caller>,
    /// The connection of the request; none where a router is called without one, in tests.
    pub(super) connection: Option<Connection>,
    /// What the web page that sent the request may do.
    pub(crate) page: Page,
}

impl Visitor {
    /// The client whose limits the requests are charged to.
    pub(crate) fn client(&self) -> Client {
        Client::of(self.caller.as_ref(), self.address)
    }

    /// Whether only the id of a job lets this web page follow it: it has neither an origin of its own nor a key.
    pub(crate) fn is_confined(&self) -> bool {
        self.page == Page::Nameless && self.caller.as_ref().is_some_and(|caller| caller.key().is_none())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let missing = || ApiError::Internal("a request came past the guard".to_owned());
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}
