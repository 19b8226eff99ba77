//! How far a demuxer has read, and how much more it may read in its current step.
//!
//! Every table that a demuxer builds and every packet that it returns was read from the file before, so a bound on the bytes of
//! one step bounds the memory of that step, in every format and whatever sizes the file claims. Bytes that are skipped by
//! seeking are not counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Position and allowance, shared between the source and its user.
#[derive(Debug, Clone)]
pub(super) struct ReadMeter(Arc<State>);

#[derive(Debug)]
struct State {
    position: AtomicU64,
    left: AtomicU64,
    exceeded: AtomicBool,
}

impl ReadMeter {
    /// A meter without a limit.
    pub(super) fn unlimited() -> Self {
        Self(Arc::new(State { position: AtomicU64::new(0), left: AtomicU64::new(u64::MAX), exceeded: AtomicBool::new(false) }))
    }

    /// Position in bytes, including a prefix.
    pub(super) fn bytes(&self) -> u64 {
        self.0.position.load(Ordering::Relaxed)
    }

    /// Begins a step that may read this many bytes.
    pub(super) fn allow(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// True if a step wanted to read more than it was allowed to. Demuxers hide some errors of their source, so this is asked
    /// after every step.
    pub(super) fn exceeded(&self) -> bool {
        self.0.exceeded.load(Ordering::Relaxed)
    }

    /// How many of `wanted` bytes may be read now.
    ///
    /// # Errors
    /// If none may.
    pub(super) fn grant(&self, wanted: usize) -> io::Result<usize> {
        let left = self.0.left.load(Ordering::Relaxed);
        if left == 0 && wanted > 0 {
            self.0.exceeded.store(true, Ordering::Relaxed);
            return Err(io::Error::other("a part of the file is larger than any recording needs"));
        }
        Ok(usize::try_from(left).unwrap_or(usize::MAX).min(wanted))
    }

    /// Records that `count` bytes were read up to `position`.
    pub(super) fn record(&self, count: usize, position: u64) {
        let left = self.0.left.load(Ordering::Relaxed);
        self.0.left.store(left.saturating_sub(count as u64), Ordering::Relaxed);
        self.0.position.store(position, Ordering::Relaxed);
    }
}
