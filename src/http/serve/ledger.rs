//! Who holds which place, and who gives way when places are scarce. It knows no connections, only their numbers.
//!
//! A connection without a request holds its place only until another needs it. A request or a WebSocket claims its place. One
//! address may claim a limited number, and all claims together leave a few places for newcomers. When they are
//! claimed but for these, the newcomer gets the place of a WebSocket that has shown no key, or else of the address that
//! claims the most; only if nobody claims more than the newcomer is it refused.

use std::collections::HashMap;

use super::limits::ConnectionCounts;
use crate::access::Caller;
use crate::access::limits::Client;

/// Why a request cannot claim its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum Crowded {
    /// Its address has as many claims as one address may have.
    #[error("the address has {limit} connections in use")]
    Client { limit: usize },
    /// The places are claimed by others, none of whom has more than the newcomer.
    #[error("the server has no more connections")]
    Server,
}

/// For whom a place is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Holder {
    /// A caller whose key is known, or any where no keys are required.
    Caller(Caller),
    /// A request that needs no key.
    Anyone,
    /// A WebSocket that still has to show its key.
    Unidentified,
}

/// The places that are taken.
#[derive(Debug)]
pub(super) struct Ledger {
    counts: ConnectionCounts,
    rows: HashMap<u64, Row>,
    claims: HashMap<Client, usize>,
    claimed: usize,
    last_claim: u64,
}

#[derive(Debug)]
struct Row {
    /// The client at the other end; none for a trusted proxy, whose requests are those of others.
    peer: Option<Client>,
    claim: Option<Claim>,
}

#[derive(Debug)]
struct Claim {
    client: Client,
    holder: Holder,
    /// Claims are numbered in the order in which they are made.
    number: u64,
}

impl Ledger {
    pub(super) fn new(counts: ConnectionCounts) -> Self {
        Self { counts, rows: HashMap::new(), claims: HashMap::new(), claimed: 0, last_claim: 0 }
    }

    /// Whether there is no place for another connection.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.counts.max
    }

    pub(super) fn enter(&mut self, place: u64, peer: Option<Client>) {
        self.rows.insert(place, Row { peer, claim: None });
    }

    pub(super) fn leave(&mut self, place: u64) {
        self.release(place);
        self.rows.remove(&place);
    }

    /// Claims a place for a request. Returns the place that has to be given up for it, if any: its claim has ended.
    pub(super) fn claim(&mut self, place: u64, client: Client, holder: Holder) -> Result<Option<u64>, Crowded> {
        self.release(place);
        let held = self.claims.get(&client).copied().unwrap_or(0);
        let victim = if held >= self.counts.max_per_client {
            let limit = self.counts.max_per_client;
            let own = |claim: &Claim| claim.holder == Holder::Unidentified && claim.client == client;
            let own = if holder == Holder::Unidentified { None } else { self.oldest(own) };
            Some(own.ok_or(Crowded::Client { limit })?)
        } else if self.claimed >= self.counts.max_busy() {
            Some(self.dispensable(held).ok_or(Crowded::Server)?)
        } else {
            None
        };
        if let Some(victim) = victim {
            self.release(victim);
        }
        self.last_claim += 1;
        let number = self.last_claim;
        if let Some(row) = self.rows.get_mut(&place) {
            *self.claims.entry(client.clone()).or_default() += 1;
            self.claimed += 1;
            row.claim = Some(Claim { client, holder, number });
        }
        Ok(victim)
    }

    /// Notes the caller of a WebSocket that has shown its key.
    pub(super) fn identify(&mut self, place: u64, caller: Caller) {
        if let Some(claim) = self.rows.get_mut(&place).and_then(|row| row.claim.as_mut()) {
            claim.holder = Holder::Caller(caller);
        }
    }

    /// Ends the claim of a place, if it has one.
    pub(super) fn release(&mut self, place: u64) {
        let Some(claim) = self.rows.get_mut(&place).and_then(|row| row.claim.take()) else { return };
        self.claimed -= 1;
        if let Some(held) = self.claims.get_mut(&claim.client) {
            *held -= 1;
            if *held == 0 {
                self.claims.remove(&claim.client);
            }
        }
    }

    /// The caller that claims a place, if it is known.
    pub(super) fn caller(&self, place: u64) -> Option<&Caller> {
        self.rows.get(&place)?.claim.as_ref()?.caller()
    }

    /// The callers that claim places.
    pub(super) fn callers(&self) -> impl Iterator<Item = (u64, &Caller)> {
        self.rows.iter().filter_map(|(place, row)| Some((*place, row.claim.as_ref()?.caller()?)))
    }

    /// The place that a new connection gets when all are taken: of the peer with the most unclaimed connections, the one that
    /// has been idle longest. `idle_since` has the places that can be given up.
    pub(super) fn longest_idle(&self, idle_since: &HashMap<u64, u64>) -> Option<u64> {
        let idle = || {
            let unclaimed = self.rows.iter().filter(|(_, row)| row.claim.is_none());
            unclaimed.filter_map(|(place, row)| Some((*place, row, *idle_since.get(place)?)))
        };
        let mut connections: HashMap<&Client, usize> = HashMap::new();
        for peer in idle().filter_map(|(_, row, _)| row.peer.as_ref()) {
            *connections.entry(peer).or_default() += 1;
        }
        let many = |row: &Row| row.peer.as_ref().and_then(|peer| connections.get(peer)).copied().unwrap_or(1);
        let most = idle().map(|(_, row, _)| many(row)).max()?;
        idle().filter(|(_, row, _)| many(row) == most).min_by_key(|(place, _, since)| (*since, *place)).map(|(place, ..)| place)
    }

    /// The place that someone with `held` claims gets when all are claimed.
    fn dispensable(&self, held: usize) -> Option<u64> {
        self.oldest(|claim| claim.holder == Holder::Unidentified).or_else(|| {
            let (client, most) = self.claims.iter().max_by_key(|(_, claims)| **claims)?;
            // One less for them and one more for the newcomer: they still have at least as many.
            if *most > held + 1 { self.oldest(|claim| claim.client == *client) } else { None }
        })
    }

    fn oldest(&self, fits: impl Fn(&Claim) -> bool) -> Option<u64> {
        let claims = self.rows.iter().filter_map(|(place, row)| Some((*place, row.claim.as_ref()?)));
        claims.filter(|(_, claim)| fits(claim)).min_by_key(|(_, claim)| claim.number).map(|(place, _)| place)
    }
}

impl Claim {
    fn caller(&self) -> Option<&Caller> {
        match &self.holder {
            Holder::Caller(caller) => Some(caller),
            Holder::Anyone | Holder::Unidentified => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Client::of_address([192, 0, 2, last].into())
    }

    /// A ledger in which these clients have claimed the places from 0 on, each with or without a key.
    fn claimed(counts: ConnectionCounts, claims: &[(u8, bool)]) -> Ledger {
        let mut ledger = Ledger::new(counts);
        for (place, (last, has_key)) in (0..).zip(claims) {
            ledger.enter(place, Some(client(*last)));
            let holder = if *has_key { Holder::Caller(Caller::anybody()) } else { Holder::Unidentified };
            assert_eq!(ledger.claim(place, client(*last), holder), Ok(None), "{place}");
        }
        ledger
    }

    fn newcomer(ledger: &mut Ledger, last: u8) -> Result<Option<u64>, Crowded> {
        ledger.enter(1000, Some(client(last)));
        ledger.claim(1000, client(last), Holder::Anyone)
    }

    #[test]
    fn an_address_claims_a_limited_number_and_gets_a_place_back_when_it_leaves_one() {
        let counts = ConnectionCounts { max: 20, max_per_client: 3 };
        let mut ledger = claimed(counts, &[(1, true), (1, true), (1, true), (2, true)]);
        assert_eq!(newcomer(&mut ledger, 1), Err(Crowded::Client { limit: 3 }));
        assert_eq!(newcomer(&mut ledger, 2), Ok(None));
        ledger.leave(1);
        assert_eq!(newcomer(&mut ledger, 1), Ok(None));
        // Its own WebSockets without a key go first.
        let mut ledger = claimed(counts, &[(1, true), (1, false), (1, false)]);
        assert_eq!(newcomer(&mut ledger, 1), Ok(Some(1)));
        assert_eq!(newcomer(&mut ledger, 1), Ok(Some(2)));
    }

    #[test]
    fn when_places_are_scarce_who_shows_no_key_goes_and_then_who_has_most() {
        let counts = ConnectionCounts { max: 5, max_per_client: 100 };
        let mut ledger = claimed(counts, &[(1, true), (2, false), (3, true), (1, true)]);
        assert_eq!(newcomer(&mut ledger, 4), Ok(Some(1)));
        let mut ledger = claimed(counts, &[(1, true), (2, false), (3, true), (1, true)]);
        ledger.identify(1, Caller::anybody());
        assert_eq!(newcomer(&mut ledger, 4), Ok(Some(0)));
        let mut ledger = claimed(counts, &[(2, true), (1, true), (3, true), (1, true)]);
        assert_eq!(newcomer(&mut ledger, 4), Ok(Some(1)));
        let mut ledger = claimed(counts, &[(1, true), (2, true), (3, true), (4, true)]);
        assert_eq!(newcomer(&mut ledger, 5), Err(Crowded::Server));
        let mut ledger = claimed(counts, &[(1, true), (1, true), (1, true), (1, true)]);
        assert_eq!(newcomer(&mut ledger, 1), Err(Crowded::Server));
    }

    #[test]
    fn of_idle_connections_those_of_the_busiest_peer_go_first() {
        let mut ledger = claimed(ConnectionCounts { max: 20, max_per_client: 20 }, &[(1, true)]);
        for (place, peer) in [(1, Some(2)), (2, Some(1)), (3, Some(1)), (4, None)] {
            ledger.enter(place, peer.map(client));
        }
        let idle = HashMap::from([(1, 10), (2, 30), (3, 20), (4, 5)]);
        assert_eq!(ledger.longest_idle(&idle), Some(3));
        ledger.leave(3);
        assert_eq!(ledger.longest_idle(&idle), Some(4));
        ledger.leave(4);
        assert_eq!(ledger.longest_idle(&idle), Some(1));
        assert_eq!(ledger.longest_idle(&HashMap::new()), None);
    }

    #[test]
    fn a_few_places_are_never_claimed() {
        let busy = |max| ConnectionCounts { max, max_per_client: max }.max_busy();
        assert_eq!([1, 2, 3, 20, 4096].map(busy), [1, 1, 2, 19, 3840]);
    }
}
