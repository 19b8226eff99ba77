//! What can be said of a recording before a byte of it is read: whether there is room for it.

use crate::http::asker::Asker;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::intake;
use crate::jobs::registry::Reservation;

/// Most characters of an idempotency key.
pub(in crate::http) const MAX_KEY_CHARS: usize = 255;

/// A recording may come.
pub(in crate::http) struct Admission {
    /// Its place in the queue; none for a request that was made before, which needs none.
    pub(super) reservation: Option<Reservation>,
    /// The client's own name for the request.
    pub(super) key: Option<String>,
}

/// Whether a recording of so many bytes, as far as it is known, may come.
pub(in crate::http) fn admit(
    state: &AppState,
    asker: &Asker,
    size: Option<u64>,
    key: Option<String>,
) -> Result<Admission, ApiError> {
    if state.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    let limit = state.max_file_bytes;
    if let Some(size) = size.filter(|size| *size > limit) {
        return Err(ApiError::FileTooLarge { size: Some(size), limit });
    }
    let is_known = key.as_ref().is_some_and(|key| state.registry.find_by_key(asker.caller.key(), key).is_some());
    let reservation = if is_known { None } else { Some(state.registry.reserve()?) };
    if !intake::has_room(&state.volume, size.unwrap_or(0)) {
        return Err(ApiError::StorageFull);
    }
    Ok(Admission { reservation, key })
}

/// An idempotency key as it may be.
pub(in crate::http) fn checked_key(text: &str) -> Result<String, ApiError> {
    let length = text.chars().count();
    if (1..=MAX_KEY_CHARS).contains(&length) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::InvalidRequest(format!("an idempotency key has 1 to {MAX_KEY_CHARS} printable ASCII characters")))
    }
}
