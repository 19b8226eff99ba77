//! How one job is told to stop, and why.
//!
//! A [`StopSignal`] is raised once and never lowered: a new job gets a new signal, so a late stop can never hit the
//! job after it. Everything that takes long polls it: at each packet, window and decoder step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a job was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A client cancelled the job.
    Cancelled,
    /// A client deleted the job: nothing of it is to remain.
    Deleted,
    /// The job ran longer than `queue.task_timeout`.
    TimedOut,
    /// The process is ending: the job goes back to the queue.
    Shutdown,
}

/// The error of work that was told to stop.
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

    /// Raises the signal. Of several reasons the weightiest counts: what a client was promised outlasts the end of the
    /// process, and after a deletion no traces may stay.
    pub fn raise(&self, reason: StopReason) {
        let weight = match reason {
            StopReason::Shutdown => 1,
            StopReason::TimedOut => 2,
            StopReason::Cancelled => 3,
            StopReason::Deleted => 4,
        };
        self.0.fetch_max(weight, Ordering::AcqRel);
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
    fn the_weightiest_reason_counts_whichever_came_first() {
        let by_weight = [StopReason::Shutdown, StopReason::TimedOut, StopReason::Cancelled, StopReason::Deleted];
        for (index, lighter) in by_weight.into_iter().enumerate() {
            for heavier in by_weight.into_iter().skip(index) {
                for order in [[lighter, heavier], [heavier, lighter]] {
                    let stop = StopSignal::new();
                    assert_eq!(stop.check(), Ok(()));
                    for reason in order {
                        stop.raise(reason);
                    }
                    assert_eq!(stop.reason(), Some(heavier), "{order:?}");
                    assert_eq!(stop.check(), Err(Stopped));
                }
            }
        }
    }
}
