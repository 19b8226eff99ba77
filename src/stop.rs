//! The stop signal of a job, with the reason for stopping.
//!
//! A [`StopSignal`] is raised once and never lowered: each run gets a signal of its own, so a late stop can never hit the next
//! job. All long-running work polls it: at each packet, window and decoder step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a job is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A client cancelled the job.
    Cancelled,
    /// A client deleted the job: nothing of it may remain.
    Deleted,
    /// The job ran longer than `queue.task_timeout`.
    TimedOut,
    /// The process is shutting down: the job goes back to the queue.
    Shutdown,
}

/// The error of work that was interrupted by the stop signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// A clonable flag that one job's work polls.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicU8>);

impl StopSignal {
    /// A signal that has not been raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal. Of several reasons the strongest counts: deleted, cancelled, timed out, shutdown. So a cancellation or
    /// deletion that a client was answered is carried out even while the process shuts down.
    pub fn raise(&self, reason: StopReason) {
        let strength = match reason {
            StopReason::Shutdown => 1,
            StopReason::TimedOut => 2,
            StopReason::Cancelled => 3,
            StopReason::Deleted => 4,
        };
        self.0.fetch_max(strength, Ordering::AcqRel);
    }

    /// The reason, once the signal has been raised.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(StopReason::Shutdown),
            2 => Some(StopReason::TimedOut),
            3 => Some(StopReason::Cancelled),
            4 => Some(StopReason::Deleted),
            _ => None,
        }
    }

    /// Whether the signal has been raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    /// Call at every packet, window and decoder step.
    ///
    /// # Errors
    /// [`Stopped`] once the signal has been raised.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_raised() { Err(Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_reason_counts_whatever_the_order() {
        let by_strength = [StopReason::Shutdown, StopReason::TimedOut, StopReason::Cancelled, StopReason::Deleted];
        for (index, weaker) in by_strength.into_iter().enumerate() {
            for stronger in by_strength.into_iter().skip(index) {
                for order in [[weaker, stronger], [stronger, weaker]] {
                    let stop = StopSignal::new();
                    assert_eq!(stop.check(), Ok(()));
                    for reason in order {
                        stop.raise(reason);
                    }
                    assert_eq!(stop.reason(), Some(stronger), "{order:?}");
                    assert_eq!(stop.check(), Err(Stopped));
                }
            }
        }
    }
}
