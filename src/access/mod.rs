//! Authentication, authorization and rate limits: who calls, from where, with which scopes, and how often. Knows nothing of
//! HTTP or of the resources that it protects.
//!
//! Without keys every caller may do everything. With keys, a caller is a key: it sees the jobs it created, and `admin` sees all.

pub mod hosts;
mod keyring;
pub mod keys;
pub mod limits;
pub mod origins;
pub mod proxies;

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

pub use keyring::Access;

/// The identifier of a key; it is not secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key may do. `admin` includes the other scopes; `write` does not include `read`.
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

/// The origin of a request: a key with its scopes, or a caller without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    key: Option<KeyId>,
    /// One bit per scope.
    scopes: u8,
}

impl Caller {
    /// Any caller of a server that requires no keys: may do everything.
    pub fn anybody() -> Self {
        Self { key: None, scopes: Scope::Admin.bit() }
    }

    /// A caller that has not presented a key yet although keys are required: may do nothing and sees nothing.
    pub fn nobody() -> Self {
        Self { key: None, scopes: 0 }
    }

    pub fn with_key(key: KeyId, scopes: &[Scope]) -> Self {
        Self { key: Some(key), scopes: scopes.iter().fold(0, |all, scope| all | scope.bit()) }
    }

    /// The key, if there is one; it owns the jobs that the caller creates.
    pub fn key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// Whether the caller has this scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// Whether the caller may see a job with this owner.
    pub fn sees(&self, owner: Option<&KeyId>) -> bool {
        self.may(Scope::Admin) || (self.key.is_some() && self.key.as_ref() == owner)
    }
}
