//! The valid keys, as requests see them.
//!
//! The keyring does no I/O: the task that watches the key file replaces its keys, so that no request waits for the disk.

use std::sync::{Arc, PoisonError, RwLock};

use super::Caller;
use super::keys::{self, Key};

/// Authenticates callers. Clones share the keys.
#[derive(Clone, Debug)]
pub struct Access(Option<Arc<RwLock<Arc<[Key]>>>>);

impl Access {
    /// A server without keys: every caller may do everything.
    pub fn open() -> Self {
        Self(None)
    }

    /// A server that requires one of these keys.
    pub fn guarded(keys: Vec<Key>) -> Self {
        Self(Some(Arc::new(RwLock::new(keys.into()))))
    }

    /// Whether requests need a key.
    pub fn asks_for_keys(&self) -> bool {
        self.0.is_some()
    }

    /// Replaces the valid keys. Has no effect where no keys are required.
    pub fn replace(&self, keys: Vec<Key>) {
        if let Some(ring) = &self.0 {
            *ring.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
    }

    /// The caller with this secret, or none if no valid key has it. Any caller, where no keys are required.
    pub fn authenticate(&self, secret: &str) -> Option<Caller> {
        match self.keys() {
            None => Some(Caller::anybody()),
            Some(keys) => keys::find(&keys, secret).map(Key::caller),
        }
    }

    /// Whether an authenticated caller is still valid: long-lived connections, such as WebSockets, ask repeatedly.
    pub fn still_knows(&self, caller: &Caller) -> bool {
        self.keys().is_none_or(|keys| keys.iter().any(|key| key.revoked_at.is_none() && key.caller() == *caller))
    }

    fn keys(&self) -> Option<Arc<[Key]>> {
        self.0.as_ref().map(|ring| Arc::clone(&ring.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
