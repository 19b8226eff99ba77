//! What fuzzing calls: the readers that a request's parts go through, without the connection around them. Only there when
//! the crate is built for fuzzing.

use super::fields;

/// Reads a `metadata` part.
///
/// # Panics
/// When it is refused without a reason.
pub fn metadata(bytes: &[u8]) {
    assert!(fields::metadata(bytes).err().is_none_or(|checks| !checks.is_empty()), "refused without a reason");
}

/// Reads an `options` part.
///
/// # Panics
/// When it is refused without a reason.
pub fn options(bytes: &[u8]) {
    assert!(fields::options(bytes).err().is_none_or(|checks| !checks.is_empty()), "refused without a reason");
}
