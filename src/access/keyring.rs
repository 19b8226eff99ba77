//! The valid keys, as requests see them.
//!
//! The keyring does no I/O: the task that watches the key file replaces its keys, so that no request waits for the disk. What
//! goes on for longer than a moment waits for [`Access::revoked`] beside its work, so that it ends when its key does.

use std::sync::Arc;

use tokio::sync::watch;

use super::Caller;
use super::keys::{self, Key};

/// Authenticates callers. Clones share the keys.
#[derive(Clone, Debug)]
pub struct Access(Option<Arc<watch::Sender<Arc<[Key]>>>>);

impl Access {
    /// A server without keys: every caller may do everything.
    pub fn open() -> Self {
        Self(None)
    }

    /// A server that requires one of these keys.
    pub fn guarded(keys: Vec<Key>) -> Self {
        Self(Some(Arc::new(watch::Sender::new(keys.into()))))
    }

    /// Whether requests need a key.
    pub fn asks_for_keys(&self) -> bool {
        self.0.is_some()
    }

    /// Replaces the valid keys. Has no effect where no keys are required.
    pub fn replace(&self, keys: Vec<Key>) {
        if let Some(ring) = &self.0 {
            ring.send_replace(keys.into());
        }
    }

    /// The caller with this secret, or none if no valid key has it. Any caller, where no keys are required.
    pub fn authenticate(&self, secret: &str) -> Option<Caller> {
        match self.keys() {
            None => Some(Caller::anybody()),
            Some(keys) => keys::find(&keys, secret).map(Key::caller),
        }
    }

    /// Whether an authenticated caller is still valid.
    pub fn still_knows(&self, caller: &Caller) -> bool {
        self.keys().is_none_or(|keys| knows(&keys, caller))
    }

    /// Returns once an authenticated caller is no longer valid: its key was revoked, removed, or given other scopes.
    pub async fn revoked(&self, caller: &Caller) {
        let Some(ring) = &self.0 else { return std::future::pending().await };
        let mut changes = ring.subscribe();
        // Fails only if the sender is gone, which this handle holds.
        let _unknown = changes.wait_for(|keys| !knows(keys, caller)).await;
    }

    /// Calls a function after each change of the keys, for ever.
    pub async fn on_change(&self, mut act: impl FnMut()) {
        let Some(ring) = &self.0 else { return std::future::pending().await };
        let mut changes = ring.subscribe();
        while changes.changed().await.is_ok() {
            act();
        }
    }

    fn keys(&self) -> Option<Arc<[Key]>> {
        self.0.as_ref().map(|ring| Arc::clone(&ring.borrow()))
    }
}

fn knows(keys: &[Key], caller: &Caller) -> bool {
    keys.iter().any(|key| key.revoked_at.is_none() && key.caller() == *caller)
}
