//! Entry point of the fuzz target for results; compiled only for fuzzing.

use super::ResultFile;

/// Reads a result, as the checks of older results do.
pub fn result(bytes: &[u8]) {
    let _read = serde_json::from_slice::<ResultFile>(bytes);
}
