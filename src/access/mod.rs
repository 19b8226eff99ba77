//! Who asks, and what they may do. Knows nothing of HTTP, and nothing of what is protected.
//!
//! Without keys everybody may do everything. With keys, a caller is a key: it sees what it made itself, and `admin` sees all.

use std::fmt;

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

/// Whoever makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    key: Option<KeyId>,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Anybody, where no keys are asked for.
    pub fn anybody() -> Self {
        Self { key: None, scopes: vec![Scope::Admin] }
    }

    /// The holder of a key.
    pub fn with_key(key: KeyId, scopes: Vec<Scope>) -> Self {
        Self { key: Some(key), scopes }
    }

    /// The key, when there is one: what the caller makes belongs to it.
    pub fn key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// Whether the caller may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether the caller may know of what belongs to this key.
    pub fn sees(&self, owner: Option<&KeyId>) -> bool {
        self.may(Scope::Admin) || (self.key.is_some() && self.key.as_ref() == owner)
    }
}
