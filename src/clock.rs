//! The time of day, injected wherever it is needed so that tests can control it.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the current time in UTC, truncated to milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
        Self(Arc::new(Utc::now))
    }

    /// A clock that asks `now` for the time.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time, truncated to milliseconds.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(3)
    }
}
