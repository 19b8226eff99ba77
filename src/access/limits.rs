//! Rate limits: each client has two budgets, refilled at a constant rate (GCRA, by governor).
//!
//! Memory is bounded: a full budget is forgotten, and when more than [`MAX_CLIENTS`] clients are remembered, further addresses
//! share [`CROWDS`] budgets by their hash. Keys always have budgets of their own.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota as Refill, RateLimiter};

use super::{Caller, KeyId};

/// Clients remembered per budget, at about 100 bytes each: 5 MB at most.
const MAX_CLIENTS: usize = 50_000;
/// Budgets that all further addresses share: enough that a flood rarely exhausts that of a legitimate client.
const CROWDS: u64 = 1024;
/// Requests between two sweeps for clients to forget.
const SWEEP_EVERY: u32 = 1024;
/// Number of clients below which no sweep happens.
const SWEEP_ABOVE: usize = 1000;

/// The rate and the size of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Refill rate in requests per minute; at least 1.
    pub per_minute: u32,
    /// Size in requests; at least 1.
    pub burst: u32,
}

/// The allowances of both budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    pub submissions: Allowance,
    pub reads: Allowance,
}

/// The budget that a request is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Requests that send a recording.
    Submissions,
    /// Requests that send no recording.
    Reads,
}

/// The owner of a budget: a key or, without one, an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client(Name);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Key(KeyId),
    Address(IpAddr),
    Crowd(u64),
}

impl Client {
    /// The client of a key, wherever it calls from.
    pub fn of_key(key: &KeyId) -> Self {
        Self(Name::Key(key.clone()))
    }

    /// The client of an address, whatever key it shows.
    pub fn of_address(address: IpAddr) -> Self {
        Self::of(None, address)
    }

    /// The key of a caller, else its address. A household has an IPv6 network of 64 bits, so such a network is one client.
    pub fn of(caller: Option<&Caller>, address: IpAddr) -> Self {
        Self(match (caller.and_then(Caller::key), address.to_canonical()) {
            (Some(key), _) => Name::Key(key.clone()),
            (None, IpAddr::V6(address)) => Name::Address(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
            (None, address @ IpAddr::V4(_)) => Name::Address(address),
        })
    }
}

/// The state of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The size of the budget, in requests.
    pub limit: u32,
    pub remaining: u32,
    /// Time until the budget is full.
    pub refilled_in: Duration,
}

/// A request was refused because its budget is exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} requests is reached", quota.limit)]
pub struct Exceeded {
    pub quota: Quota,
    /// Time until the next request is admitted.
    pub retry_after: Duration,
}

/// The budgets of all clients. Clones share them.
#[derive(Clone, Debug)]
pub struct Limits(Option<Arc<Budgets>>);

#[derive(Debug)]
struct Budgets {
    submissions: ClientBudgets,
    reads: ClientBudgets,
}

impl Limits {
    /// Limits with these allowances; none: no client is limited.
    pub fn new(settings: Option<LimitSettings>) -> Self {
        Self(settings.map(|settings| {
            Arc::new(Budgets {
                submissions: ClientBudgets::new(settings.submissions, MAX_CLIENTS),
                reads: ClientBudgets::new(settings.reads, MAX_CLIENTS),
            })
        }))
    }

    /// Charges one request to a budget and returns its state; none when clients are not limited.
    ///
    /// # Errors
    /// When the budget is exhausted.
    pub fn check(&self, budget: Budget, client: &Client) -> Result<Option<Quota>, Exceeded> {
        self.budgets(budget).map(|budgets| budgets.charge(client)).transpose()
    }

    /// The state of a full budget.
    pub fn whole(&self, budget: Budget) -> Option<Quota> {
        self.budgets(budget).map(|budgets| budgets.quota(budgets.burst))
    }

    fn budgets(&self, budget: Budget) -> Option<&ClientBudgets> {
        self.0.as_ref().map(|budgets| match budget {
            Budget::Submissions => &budgets.submissions,
            Budget::Reads => &budgets.reads,
        })
    }
}

/// One of the two budgets, for every client.
#[derive(Debug)]
struct ClientBudgets {
    limiter: RateLimiter<Client, HashMapStateStore<Client>, MonotonicClock, StateInformationMiddleware>,
    burst: u32,
    period: Duration,
    max_clients: usize,
    requests: AtomicU32,
    hasher: RandomState,
}

impl ClientBudgets {
    fn new(allowance: Allowance, max_clients: usize) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let burst = at_least_one(allowance.burst);
        let refill = Refill::per_minute(at_least_one(allowance.per_minute)).allow_burst(burst);
        Self {
            limiter: RateLimiter::hashmap_with_clock(refill, MonotonicClock).with_middleware(),
            burst: burst.get(),
            period: refill.replenish_interval(),
            max_clients,
            requests: AtomicU32::new(0),
            hasher: RandomState::new(),
        }
    }

    fn charge(&self, client: &Client) -> Result<Quota, Exceeded> {
        let mut known = self.limiter.len();
        if known > SWEEP_ABOVE && self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
            known = self.limiter.len();
        }
        let outcome = match &client.0 {
            Name::Address(address) if known >= self.max_clients => {
                self.limiter.check_key(&Client(Name::Crowd(self.hasher.hash_one(address) % CROWDS)))
            }
            Name::Address(_) | Name::Key(_) | Name::Crowd(_) => self.limiter.check_key(client),
        };
        match outcome {
            Ok(left) => Ok(self.quota(left.remaining_burst_capacity())),
            Err(not_until) => {
                let retry_after = not_until.wait_time_from(MonotonicClock.now());
                let quota = self.quota(1);
                Err(Exceeded {
                    quota: Quota { remaining: 0, refilled_in: quota.refilled_in + retry_after, ..quota },
                    retry_after,
                })
            }
        }
    }

    fn quota(&self, remaining: u32) -> Quota {
        Quota { limit: self.burst, remaining, refilled_in: self.period * self.burst.saturating_sub(remaining) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Client {
        Client::of(None, text.parse().unwrap())
    }

    #[test]
    fn an_exhausted_budget_says_when_it_admits_requests_again() {
        let budgets = ClientBudgets::new(Allowance { per_minute: 1, burst: 2 }, 10);
        let client = address("192.0.2.1");
        assert_eq!(budgets.charge(&client), Ok(Quota { limit: 2, remaining: 1, refilled_in: Duration::from_mins(1) }));
        assert_eq!(budgets.charge(&client).unwrap().remaining, 0);
        let exceeded = budgets.charge(&client).unwrap_err();
        assert!((50..=60).contains(&exceeded.retry_after.as_secs()), "{exceeded:?}");
        assert!((110..=120).contains(&exceeded.quota.refilled_in.as_secs()), "{exceeded:?}");
        assert_eq!((exceeded.quota.limit, exceeded.quota.remaining), (2, 0));
        assert_eq!(budgets.charge(&address("192.0.2.2")).unwrap().remaining, 1);
    }

    #[test]
    fn a_network_of_64_bits_is_one_client_and_a_key_is_its_own() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:0:1"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8:0:2::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        let caller = Caller::with_key(KeyId::new("key_1"), &[]);
        let key = |text: &str| Client::of(Some(&caller), text.parse().unwrap());
        assert_eq!(key("192.0.2.1"), key("2001:db8::1"));
        assert_eq!(Client::of(Some(&Caller::anybody()), "192.0.2.1".parse().unwrap()), address("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_addresses_uses_bounded_memory() {
        let budgets = ClientBudgets::new(Allowance { per_minute: 1, burst: 1_000_000 }, 2000);
        for number in 0..20_000_u32 {
            budgets.charge(&Client::of(None, IpAddr::from(number.to_be_bytes()))).unwrap();
        }
        assert!(budgets.limiter.len() <= 2000 + CROWDS as usize, "{}", budgets.limiter.len());
        // A key still has a separate budget.
        let caller = Caller::with_key(KeyId::new("key_1"), &[]);
        assert_eq!(budgets.charge(&Client::of(Some(&caller), IpAddr::from([0; 4]))).unwrap().remaining, 999_999);
    }

    #[test]
    fn clients_whose_budget_is_full_again_are_forgotten() {
        let budgets = ClientBudgets::new(Allowance { per_minute: 1_000_000, burst: 1 }, 100_000);
        for number in 0..20_000_u32 {
            budgets.charge(&Client::of(None, IpAddr::from(number.to_be_bytes()))).unwrap();
        }
        assert!(budgets.limiter.len() < 10_000, "{}", budgets.limiter.len());
    }
}
