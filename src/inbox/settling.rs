//! Which files have stopped changing. Pure, and generic over what is looked at.
//!
//! A file has settled when no look has seen a change of it for a given time. The time has to pass on two clocks: the steady one,
//! because the time of day may be set forward, and the time of day, because tests control it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// The time of a look, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) day: DateTime<Utc>,
    pub(super) steady: Instant,
}

/// What was seen, and since when it has not changed.
#[derive(Debug)]
pub(super) struct Settling<K, I> {
    seen: HashMap<K, (I, Moment)>,
}

impl<K, I> Default for Settling<K, I> {
    fn default() -> Self {
        Self { seen: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, I: PartialEq + Copy> Settling<K, I> {
    /// Records one poll. Returns for each item how long it still has to remain unchanged, zero if it has settled. Items that are
    /// missing from this poll are dropped.
    pub(super) fn look(&mut self, now: Moment, things: &[(K, I)], still_for: Duration) -> Vec<Duration> {
        let mut before = std::mem::take(&mut self.seen);
        let mut left = Vec::with_capacity(things.len());
        for (key, imprint) in things {
            let since = match before.remove(key) {
                Some((same, since)) if same == *imprint && since.day <= now.day => since,
                Some(_) | None => now,
            };
            let steady = still_for.saturating_sub(now.steady.saturating_duration_since(since.steady));
            let day = still_for.saturating_sub((now.day - since.day).to_std().unwrap_or_default());
            left.push(steady.max(day));
            self.seen.insert(key.clone(), (*imprint, since));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Clocks(Moment);

    impl Clocks {
        fn new() -> Self {
            Self(Moment { day: DateTime::UNIX_EPOCH, steady: Instant::now() })
        }

        fn after(&self, day: i64, steady: u64) -> Moment {
            Moment { day: self.0.day + chrono::Duration::seconds(day), steady: self.0.steady + SECOND * steady as u32 }
        }
    }

    #[test]
    fn what_does_not_change_settles_and_what_changes_begins_anew() {
        let (clocks, mut settling) = (Clocks::new(), Settling::default());
        assert_eq!(settling.look(clocks.after(0, 0), &[("a", 1), ("b", 1)], 5 * SECOND), [5 * SECOND, 5 * SECOND]);
        assert_eq!(settling.look(clocks.after(4, 4), &[("a", 1), ("b", 2)], 5 * SECOND), [SECOND, 5 * SECOND]);
        assert_eq!(settling.look(clocks.after(5, 5), &[("b", 2), ("a", 1)], 5 * SECOND), [4 * SECOND, Duration::ZERO]);
        // Missing from one poll: it may be another file.
        assert_eq!(settling.look(clocks.after(9, 9), &[("b", 2)], 5 * SECOND), [Duration::ZERO]);
        assert_eq!(settling.look(clocks.after(10, 10), &[("a", 1)], 5 * SECOND), [5 * SECOND]);
    }

    #[test]
    fn a_clock_that_is_set_takes_nothing_early() {
        let (clocks, mut settling) = (Clocks::new(), Settling::default());
        settling.look(clocks.after(0, 0), &[("a", 1)], 5 * SECOND);
        assert_eq!(settling.look(clocks.after(3600, 1), &[("a", 1)], 5 * SECOND), [4 * SECOND]);
        assert_eq!(settling.look(clocks.after(-3600, 6), &[("a", 1)], 5 * SECOND), [5 * SECOND]);
        assert_eq!(settling.look(clocks.after(-3595, 11), &[("a", 1)], 5 * SECOND), [Duration::ZERO]);
    }
}
