//! Handles to the place of a connection: one for the accept loop, which knows when a request begins and ends, and one for the
//! request itself, which knows whose it is.

use std::sync::Arc;

use super::ledger::{Crowded, Holder};
use super::places::Place;
use crate::access::Caller;
use crate::access::limits::Client;

/// A connection, as the request that came over it sees it.
#[derive(Debug, Clone)]
pub(in crate::http) struct Connection(Arc<Place>);

impl Connection {
    pub(super) fn of(place: &Arc<Place>) -> Self {
        Self(Arc::clone(place))
    }

    /// Claims the connection for the request, or for the WebSocket that it becomes, until it ends.
    ///
    /// # Errors
    /// When the client has too many connections in use, or the server.
    pub(in crate::http) fn claim(&self, client: Client, holder: Holder) -> Result<(), Crowded> {
        self.0.claim(client, holder)
    }

    /// Notes the caller of a WebSocket that has shown its key.
    pub(in crate::http) fn identify(&self, caller: Caller) {
        self.0.identify(caller);
    }

    /// Returns when the place is needed for another connection.
    pub(in crate::http) async fn asked_to_leave(&self) {
        self.0.asked_to_leave().await;
    }
}

/// The time in which a request is answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Option<Arc<Place>>);

impl Busy {
    pub(super) fn begin(place: &Arc<Place>) -> Self {
        Self(Some(Arc::clone(place)))
    }

    /// Notes that the head of the answer is ready, and only its body is to be sent: it is broken off if the caller is no longer
    /// known. From then on the places do that.
    pub(super) fn answers(&self, is_known: impl Fn(&Caller) -> bool) {
        if let Some(place) = &self.0 {
            place.answers();
            if !place.has_caller(is_known) {
                place.break_off();
            }
        }
    }

    /// Keeps the connection busy for good: it is a WebSocket now.
    pub(super) fn for_ever(mut self) {
        if let Some(place) = self.0.take() {
            place.becomes_session();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.rest();
        }
    }
}
