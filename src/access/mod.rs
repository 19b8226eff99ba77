//! Who asks, from where, what they may do, and how much of it. Knows nothing of HTTP, and nothing of what is protected.
//!
//! Without keys everybody may do everything. With keys, a caller is a key: it sees what it made itself, and `admin` sees all.

mod keyring;
pub mod keys;
pub mod limits;
pub mod origins;
pub mod proxies;

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

pub use keyring::Access;

/// Names a key; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The name as it stands in a record.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key may do. Each scope stands for itself, but `admin` includes the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// Read jobs, results and the state of the queue.
    Read,
    /// Create, change and delete jobs.
    Write,
    /// Everything, including the jobs of other keys.
    Admin,
}

impl Scope {
    pub fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    /// The published name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The scope with this published name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Whoever makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    key: Option<KeyId>,
    /// A bit a scope.
    scopes: u8,
}

impl Caller {
    /// Anybody, where no keys are asked for.
    pub fn anybody() -> Self {
        Self { key: None, scopes: Scope::Admin.bit() }
    }

    /// Somebody who has not shown a key yet where one is asked for: may do nothing, sees nothing.
    pub fn nobody() -> Self {
        Self { key: None, scopes: 0 }
    }

    /// The holder of a key.
    pub fn with_key(key: KeyId, scopes: &[Scope]) -> Self {
        Self { key: Some(key), scopes: scopes.iter().fold(0, |all, scope| all | scope.bit()) }
    }

    /// The key, when there is one: what the caller makes belongs to it.
    pub fn key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// Whether the caller may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// Whether the caller may know of what belongs to this key.
    pub fn sees(&self, owner: Option<&KeyId>) -> bool {
        self.may(Scope::Admin) || (self.key.is_some() && self.key.as_ref() == owner)
    }
}
