//! Entry point of the fuzz target for sidecars; compiled only for fuzzing.

/// Reads a sidecar.
///
/// # Panics
/// When it is refused without a reason.
pub fn sidecar(bytes: &[u8]) {
    let read = super::sidecar::read("call.json", bytes);
    assert!(read.err().is_none_or(|failure| !failure.message.is_empty()), "refused without a reason");
}
