//! The caller of a request or command, and the language of the answer.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::visitor::Visitor;
use crate::access::Caller;
use crate::access::limits::Client;
use crate::messages::Language;

/// The caller and the language of its messages. A handler takes it as an argument.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    /// The caller, with its scopes and its key.
    pub(crate) caller: Caller,
    /// The client whose share of places and room the caller's recordings take.
    pub(crate) client: Client,
    /// The language of messages for people.
    pub(crate) language: Language,
}

impl<S: Send + Sync> FromRequestParts<S> for Requester {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Never missing behind the guard; if it were, the caller should have no rights rather than all.
        let visitor = parts.extensions.get::<Visitor>();
        let caller = visitor.and_then(|visitor| visitor.caller.clone()).unwrap_or_else(Caller::nobody);
        let nowhere = || Client::of_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let client = visitor.map_or_else(nowhere, Visitor::client);
        let language = parts.extensions.get().copied().unwrap_or_else(Language::english);
        Ok(Self { caller, client, language })
    }
}
