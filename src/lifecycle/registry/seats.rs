//! The places of the queue: taken by jobs that wait, reserved for recordings that are arriving, and shared among clients.
//!
//! An announcement reserves nothing; the first bytes do. A client has at most its share of all places, with what it sends and
//! what waits, so that the others always find one. Jobs from the watched folder belong to no client.

use std::collections::HashMap;

use crate::access::limits::Client;

/// The limits of the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueLimits {
    /// Jobs that may wait.
    pub max_queued: usize,
    /// The part of them that one client may have, above 0 up to 1.
    pub client_share: f64,
}

impl QueueLimits {
    /// Places that one client may have; at least one.
    fn of_client(self) -> usize {
        ((self.max_queued as f64 * self.client_share).ceil() as usize).max(1)
    }
}

/// The queue has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    /// All places are taken or reserved.
    #[error("the queue is full: {max_queued} recordings wait")]
    Queue {
        /// Jobs that may wait at most (`queue.max_length`).
        max_queued: usize,
    },
    /// The client has as many of them as one client may have.
    #[error("{limit} recordings of the client are being sent or wait")]
    Share {
        /// Places that one client may have (`queue.client_share`).
        limit: usize,
    },
}

/// Reserved places, and those of each client.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// Places that are reserved for recordings still arriving.
    reserved: usize,
    /// Taken and reserved places.
    by_client: HashMap<Client, usize>,
}

impl Seats {
    /// Whether a client may have one more place, if so many jobs wait.
    pub(super) fn check(&self, limits: QueueLimits, waiting: usize, client: Option<&Client>) -> Result<(), QueueFull> {
        if waiting + self.reserved >= limits.max_queued {
            return Err(QueueFull::Queue { max_queued: limits.max_queued });
        }
        let held = client.and_then(|client| self.by_client.get(client)).copied().unwrap_or(0);
        let limit = limits.of_client();
        if held >= limit { Err(QueueFull::Share { limit }) } else { Ok(()) }
    }

    /// Places that are reserved for recordings still arriving.
    pub(super) fn reserved(&self) -> usize {
        self.reserved
    }

    pub(super) fn reserve(&mut self, client: Option<&Client>) {
        self.reserved += 1;
        self.take(client);
    }

    /// Ends a reservation: the place is free, or taken by a job.
    pub(super) fn release(&mut self, client: Option<&Client>) {
        self.reserved -= 1;
        self.leave(client);
    }

    /// A job of this client waits from now on.
    pub(super) fn take(&mut self, client: Option<&Client>) {
        if let Some(client) = client {
            *self.by_client.entry(client.clone()).or_default() += 1;
        }
    }

    /// A job of this client waits no longer.
    pub(super) fn leave(&mut self, client: Option<&Client>) {
        if let Some(client) = client
            && let Some(held) = self.by_client.get_mut(client)
        {
            *held -= 1;
            if *held == 0 {
                self.by_client.remove(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits { max_queued: 10, client_share: 0.55 };

    #[test]
    fn a_client_has_its_share_of_the_places_and_the_others_have_the_rest() {
        let client = |last: u8| Client::of_address([192, 0, 2, last].into());
        let (first, second) = (client(1), client(2));
        let mut seats = Seats::default();
        for _ in 0..4 {
            seats.reserve(Some(&first));
        }
        // A reserved place is taken by a job.
        seats.take(Some(&first));
        seats.release(Some(&first));
        seats.take(Some(&first));
        seats.take(Some(&first));
        assert_eq!((seats.reserved(), seats.check(LIMITS, 3, Some(&first))), (3, Err(QueueFull::Share { limit: 6 })));
        for _ in 0..4 {
            assert_eq!(seats.check(LIMITS, 3, Some(&second)), Ok(()));
            seats.reserve(Some(&second));
        }
        assert_eq!(seats.check(LIMITS, 3, None), Err(QueueFull::Queue { max_queued: 10 }));
        for _ in 0..3 {
            seats.leave(Some(&first));
            seats.release(Some(&first));
        }
        assert_eq!(seats.by_client.get(&first), None);
    }

    #[test]
    fn in_a_short_queue_a_client_may_have_every_place() {
        let of_client = |max_queued, client_share| QueueLimits { max_queued, client_share }.of_client();
        assert_eq!(
            [(1, 0.01), (1, 0.9), (9, 0.9), (10, 0.9), (1000, 0.9)].map(|(max, share)| of_client(max, share)),
            [1, 1, 9, 9, 900]
        );
    }
}
