//! The time of day, injected wherever it is needed so that tests can control it.
//!
//! A machine's clock may be wrong by any amount, and the library for times panics at what it cannot hold or write. A panic while the
//! log writes the time of a panic would end the process. So every time that comes from outside (the clock, a file system, a record)
//! is brought into the range that RFC 3339 can write before it is used.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SubsecRound, Utc};

/// The last time that is used: the last millisecond of the year 9999, in milliseconds since 1970.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// A source of the current time in UTC, truncated to milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(Arc::new(|| at(SystemTime::now())))
    }

    /// A clock that asks `now` for the time.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time, truncated to milliseconds, from 1970 to 9999.
    pub fn now(&self) -> DateTime<Utc> {
        bounded((self.0)())
    }
}

/// Whether the machine's clock shows a time that can be written: without one, no HTTP response has a date.
pub fn is_usable() -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.is_ok_and(|since| since.as_millis() <= LAST_MILLIS as u128)
}

/// The nearest time from 1970 to 9999, truncated to milliseconds.
pub fn bounded(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(3).clamp(DateTime::UNIX_EPOCH, last())
}

/// A time of the system as the nearest one from 1970 to 9999.
pub fn at(time: SystemTime) -> DateTime<Utc> {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    DateTime::from_timestamp_millis(millis.min(LAST_MILLIS)).unwrap_or_else(last)
}

fn last() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(LAST_MILLIS).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::SecondsFormat;

    use super::*;

    const FIRST: &str = "1970-01-01T00:00:00.000Z";
    const LAST: &str = "9999-12-31T23:59:59.999Z";

    #[test]
    fn a_time_outside_of_what_can_be_written_becomes_the_nearest_inside() {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        for (time, expected) in [(DateTime::<Utc>::MIN_UTC, FIRST), (DateTime::<Utc>::MAX_UTC, LAST)] {
            assert_eq!(text(bounded(time)), expected);
            assert_eq!(text(Clock::from_fn(move || time).now()), expected);
        }
        let year = Duration::from_hours(8766);
        for (time, expected) in [
            (UNIX_EPOCH - 100 * year, FIRST),
            (UNIX_EPOCH, FIRST),
            (UNIX_EPOCH + Duration::from_millis(1), "1970-01-01T00:00:00.001Z"),
            (UNIX_EPOCH + 298_000 * year, LAST),
            (UNIX_EPOCH + Duration::from_secs(i64::MAX as u64), LAST),
        ] {
            assert_eq!(text(at(time)), expected);
        }
        assert!(is_usable());
    }
}
