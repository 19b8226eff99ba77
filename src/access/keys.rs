//! Keys and their secrets.
//!
//! A secret has 256 random bits, so nobody can guess one, and a plain SHA-256 of it is enough to keep: slow password hashes
//! defend what people choose, and would cost every request tens of milliseconds here.

use std::fmt;

use chrono::{DateTime, Utc};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{Caller, KeyId, Scope};

/// What every secret begins with, so that people and scanners of source code know one when they see it.
const SECRET_PREFIX: &str = "ca_";
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Random bytes of a key's name: enough that two never meet.
const ID_BYTES: usize = 8;

/// What the holder of a key shows. Printed once, never kept, never logged.
pub struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self(format!("{SECRET_PREFIX}{}", HEXLOWER.encode(&random::<SECRET_BYTES>()?))))
    }

    /// The text, for the one who asked for the key.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of what somebody shows.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// As it stands in a record.
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    fn equals(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub id: KeyId,
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it opens nothing.
    pub revoked_at: Option<DateTime<Utc>>,
    /// What is kept of its secret.
    pub hash: SecretHash,
}

impl Key {
    /// A new key and its secret.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate(label: String, scopes: Vec<Scope>, now: DateTime<Utc>) -> Result<(Self, Secret), NoRandomness> {
        let secret = Secret::random()?;
        let id = KeyId::new(format!("key_{}", HEXLOWER.encode(&random::<ID_BYTES>()?)));
        let hash = SecretHash::of(secret.reveal());
        Ok((Self { id, label, scopes, created_at: now, revoked_at: None, hash }, secret))
    }

    /// Whoever holds it.
    pub fn caller(&self) -> Caller {
        Caller::with_key(self.id.clone(), &self.scopes)
    }
}

/// The key in force that this secret opens. Looks at every key, whichever fits, so that the time taken tells nothing.
pub(super) fn find<'a>(keys: &'a [Key], secret: &str) -> Option<&'a Key> {
    let shown = SecretHash::of(secret);
    keys.iter().fold(None, |found, key| {
        let fits = bool::from(key.hash.equals(&shown)) && key.revoked_at.is_none();
        if fits { Some(key) } else { found }
    })
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_opens_its_own_key_alone() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let (first, first_secret) = Key::generate("first".to_owned(), vec![Scope::Read], now).unwrap();
        let (mut second, second_secret) = Key::generate("second".to_owned(), vec![Scope::Admin], now).unwrap();
        assert_eq!((first_secret.reveal().len(), &first_secret.reveal()[..3]), (67, "ca_"));
        let keys = [first.clone(), second.clone()];
        assert_eq!(find(&keys, first_secret.reveal()), Some(&first));
        assert_eq!(find(&keys, second_secret.reveal()), Some(&second));
        assert_eq!(find(&keys, ""), None);
        assert_eq!(find(&keys, &first.hash.to_string()), None);
        second.revoked_at = Some(now);
        assert_eq!(find(&[first, second], second_secret.reveal()), None);
    }

    proptest! {
        #[test]
        fn a_hash_comes_back_from_its_record(secret in ".*") {
            let hash = SecretHash::of(&secret);
            prop_assert_eq!(SecretHash::parse(&hash.to_string()), Some(hash));
        }

        #[test]
        fn any_text_is_a_hash_or_none(text in ".*") {
            let parsed = SecretHash::parse(&text).map(|hash| hash.to_string());
            prop_assert!(parsed.is_none_or(|parsed| parsed == text.to_ascii_lowercase()));
        }
    }
}
