//! How much one client may ask: two budgets, each refilled steadily (GCRA, by governor).
//!
//! Memory stays bounded whoever asks: what is full again is forgotten, and when more clients than [`MAX_CLIENTS`] are
//! remembered, further addresses share the budgets of a [`CROWDS`]th of the others. Keys always have their own.

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

/// Clients remembered by each budget, about 100 bytes each: 5 MB at most.
const MAX_CLIENTS: usize = 50_000;
/// Budgets that all further addresses share: enough that a flood spends few of them for an innocent.
const CROWDS: u64 = 1024;
/// Requests between two looks for clients to forget.
const SWEEP_EVERY: u32 = 1024;
/// Clients below which nothing is forgotten.
const SWEEP_ABOVE: usize = 1000;

/// How fast and how deep a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute in the long run; at least 1.
    pub per_minute: u32,
    /// Requests at once; at least 1.
    pub burst: u32,
}

/// Both budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// For recordings.
    pub submissions: Allowance,
    /// For everything else.
    pub reads: Allowance,
}

/// Which budget a request is paid from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Recordings sent.
    Submissions,
    /// Everything else.
    Reads,
}

/// Whose budget: a key's or, without one, an address's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client(Name);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Key(KeyId),
    Address(IpAddr),
    Crowd(u64),
}

impl Client {
    /// The key of a caller, else the address. A home has a whole IPv6 network of 64 bits, so that counts as one address.
    pub fn of(caller: Option<&Caller>, address: IpAddr) -> Self {
        Self(match (caller.and_then(Caller::key), address.to_canonical()) {
            (Some(key), _) => Name::Key(key.clone()),
            (None, IpAddr::V6(address)) => Name::Address(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
            (None, address @ IpAddr::V4(_)) => Name::Address(address),
        })
    }
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The whole of it.
    pub limit: u32,
    /// What is left.
    pub remaining: u32,
    /// When it will be whole again.
    pub refilled_in: Duration,
}

/// A budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} requests is reached", quota.limit)]
pub struct Exceeded {
    /// What is left.
    pub quota: Quota,
    /// When the next request may come.
    pub retry_after: Duration,
}

/// Both budgets of every client. Clones share them.
#[derive(Clone, Debug)]
pub struct Limits(Option<Arc<Budgets>>);

#[derive(Debug)]
struct Budgets {
    submissions: Purse,
    reads: Purse,
}

impl Limits {
    /// These limits; none: everybody may ask as much as they like.
    pub fn new(settings: Option<LimitSettings>) -> Self {
        Self(settings.map(|settings| {
            Arc::new(Budgets {
                submissions: Purse::new(settings.submissions, MAX_CLIENTS),
                reads: Purse::new(settings.reads, MAX_CLIENTS),
            })
        }))
    }

    /// Pays for one request. What is left is none when there are no limits.
    ///
    /// # Errors
    /// When the budget is spent.
    pub fn check(&self, budget: Budget, client: &Client) -> Result<Option<Quota>, Exceeded> {
        self.purse(budget).map(|purse| purse.pay(client)).transpose()
    }

    /// A budget that nothing was taken from.
    pub fn whole(&self, budget: Budget) -> Option<Quota> {
        self.purse(budget).map(|purse| purse.quota(purse.burst))
    }

    fn purse(&self, budget: Budget) -> Option<&Purse> {
        self.0.as_ref().map(|budgets| match budget {
            Budget::Submissions => &budgets.submissions,
            Budget::Reads => &budgets.reads,
        })
    }
}

/// One budget for each client.
#[derive(Debug)]
struct Purse {
    limiter: RateLimiter<Client, HashMapStateStore<Client>, MonotonicClock, StateInformationMiddleware>,
    burst: u32,
    period: Duration,
    max_clients: usize,
    asked: AtomicU32,
    hasher: RandomState,
}

impl Purse {
    fn new(allowance: Allowance, max_clients: usize) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let burst = at_least_one(allowance.burst);
        let refill = Refill::per_minute(at_least_one(allowance.per_minute)).allow_burst(burst);
        Self {
            limiter: RateLimiter::hashmap_with_clock(refill, MonotonicClock).with_middleware(),
            burst: burst.get(),
            period: refill.replenish_interval(),
            max_clients,
            asked: AtomicU32::new(0),
            hasher: RandomState::new(),
        }
    }

    fn pay(&self, client: &Client) -> Result<Quota, Exceeded> {
        let mut known = self.limiter.len();
        if known > SWEEP_ABOVE && self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
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
    fn a_budget_is_spent_and_says_when_it_is_back() {
        let purse = Purse::new(Allowance { per_minute: 1, burst: 2 }, 10);
        let client = address("192.0.2.1");
        assert_eq!(purse.pay(&client), Ok(Quota { limit: 2, remaining: 1, refilled_in: Duration::from_mins(1) }));
        assert_eq!(purse.pay(&client).unwrap().remaining, 0);
        let exceeded = purse.pay(&client).unwrap_err();
        assert!((50..=60).contains(&exceeded.retry_after.as_secs()), "{exceeded:?}");
        assert!((110..=120).contains(&exceeded.quota.refilled_in.as_secs()), "{exceeded:?}");
        assert_eq!((exceeded.quota.limit, exceeded.quota.remaining), (2, 0));
        assert_eq!(purse.pay(&address("192.0.2.2")).unwrap().remaining, 1);
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
    fn a_flood_of_addresses_takes_a_bounded_number_of_places() {
        let purse = Purse::new(Allowance { per_minute: 1, burst: 1_000_000 }, 2000);
        for number in 0..20_000_u32 {
            purse.pay(&Client::of(None, IpAddr::from(number.to_be_bytes()))).unwrap();
        }
        assert!(purse.limiter.len() <= 2000 + CROWDS as usize, "{}", purse.limiter.len());
        // A key has its own place all the same.
        let caller = Caller::with_key(KeyId::new("key_1"), &[]);
        assert_eq!(purse.pay(&Client::of(Some(&caller), IpAddr::from([0; 4]))).unwrap().remaining, 999_999);
    }

    #[test]
    fn clients_whose_budget_is_whole_again_are_forgotten() {
        let purse = Purse::new(Allowance { per_minute: 1_000_000, burst: 1 }, 100_000);
        for number in 0..20_000_u32 {
            purse.pay(&Client::of(None, IpAddr::from(number.to_be_bytes()))).unwrap();
        }
        assert!(purse.limiter.len() < 10_000, "{}", purse.limiter.len());
    }
}
