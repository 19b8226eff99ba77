//! Serializes the changes of one job. A change has two halves, in the store and in the registry; another change between the
//! two would find a job that is in neither state.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Number of locks. Jobs share them by hash: a collision only costs time.
const LOCKS: usize = 64;

/// A fixed set of locks, chosen by the hash of what is changed.
pub(super) struct JobLocks([Arc<Mutex<()>>; LOCKS]);

/// Permission to change one job; dropped when the change is complete.
pub(super) type Held = OwnedMutexGuard<()>;

impl Default for JobLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

impl JobLocks {
    /// Waits for the lock of a job id or of an idempotency key.
    pub(super) async fn hold(&self, what: impl Hash) -> Held {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        Arc::clone(&self.0[index]).lock_owned().await
    }
}
