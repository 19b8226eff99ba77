//! What is decided before a byte of a recording is read.

use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::state::AppState;
use crate::intake::Admission;

/// Characters of an idempotency key at most.
pub(in crate::http) const MAX_KEY_CHARS: usize = 255;

/// Decides whether a recording may be sent. `size` is in bytes, as far as it is known.
pub(in crate::http) fn admit(
    state: &AppState,
    requester: &Requester,
    size: Option<u64>,
    key: Option<String>,
) -> Result<Admission, ApiError> {
    if state.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    Ok(state.intake.admit(requester.caller.key(), size, key)?)
}

/// Checks the form of an idempotency key.
pub(in crate::http) fn checked_key(text: &str) -> Result<String, ApiError> {
    let length = text.chars().count();
    if (1..=MAX_KEY_CHARS).contains(&length) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::InvalidRequest(format!("an idempotency key has 1 to {MAX_KEY_CHARS} printable ASCII characters")))
    }
}
