//! The time of day, handed to whoever needs it so that tests own it.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time in UTC, in whole milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
        Self(Arc::new(Utc::now))
    }

    /// A clock that `now` moves.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(3)
    }
}
