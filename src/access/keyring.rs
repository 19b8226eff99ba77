//! The keys in force, as the requests see them.
//!
//! The ring does no input or output: whoever watches the key file replaces its keys, so that no request waits for a disk.

use std::sync::{Arc, PoisonError, RwLock};

use super::Caller;
use super::keys::{self, Key};

/// Tells who somebody is. Clones share the keys.
#[derive(Clone, Debug)]
pub struct Access(Option<Arc<RwLock<Arc<[Key]>>>>);

impl Access {
    /// Everybody may do everything.
    pub fn open() -> Self {
        Self(None)
    }

    /// Only the holders of these keys may do something.
    pub fn guarded(keys: Vec<Key>) -> Self {
        Self(Some(Arc::new(RwLock::new(keys.into()))))
    }

    /// Whether requests need a key.
    pub fn asks_for_keys(&self) -> bool {
        self.0.is_some()
    }

    /// From now on these keys are in force. Without effect where no keys are asked for.
    pub fn replace(&self, keys: Vec<Key>) {
        if let Some(ring) = &self.0 {
            *ring.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
    }

    /// Who shows this secret; none: nobody known. Anybody, where no keys are asked for.
    pub fn authenticate(&self, secret: &str) -> Option<Caller> {
        match self.keys() {
            None => Some(Caller::anybody()),
            Some(keys) => keys::find(&keys, secret).map(Key::caller),
        }
    }

    /// Whether a caller who was let in earlier may still be here: what lasts, such as a WebSocket, asks again and again.
    pub fn still_knows(&self, caller: &Caller) -> bool {
        self.keys().is_none_or(|keys| keys.iter().any(|key| key.revoked_at.is_none() && key.caller() == *caller))
    }

    fn keys(&self) -> Option<Arc<[Key]>> {
        self.0.as_ref().map(|ring| Arc::clone(&ring.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
