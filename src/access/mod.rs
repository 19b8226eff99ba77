//! Who asks, from where, what they may do, and how much of it. Knows nothing of HTTP, and nothing of what is protected.
//!
//! Without keys everybody may do everything. With keys, a caller is a key: it sees what it made itself, and `admin` sees all.

mod keyring;
pub mod keys;
pub mod limits;
pub mod origins;
pub mod proxies;

use std::fmt;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Look.
    Read,
    /// Make, change and remove.
    Write,
    /// Everything, and what belongs to others.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 4,
        }
    }

    /// The scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
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
