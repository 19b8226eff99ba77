//! Lets the changes of one job follow each other: each has two halves, on the volume and in the registry, and another change
//! between the two would find a job that is in neither state.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many changes of different things can run at once, at most. Two things may share a lock; that only costs time.
const LOCKS: usize = 64;

/// The locks.
pub struct JobLocks([Arc<Mutex<()>>; LOCKS]);

impl Default for JobLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

impl JobLocks {
    /// Waits until nobody else changes this, and keeps it so until the guard is dropped.
    pub async fn hold(&self, what: impl Hash) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        Arc::clone(&self.0[index]).lock_owned().await
    }
}
