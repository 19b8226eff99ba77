//! What can be said of a recording before a byte of it is read: whether there is room for it.

use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::jobs::JobId;
use crate::jobs::registry::Reservation;
use crate::volume::{NoRoom, Promise, Spool};

/// Most characters of an idempotency key.
pub(crate) const MAX_KEY_CHARS: usize = 255;

/// A recording may come.
pub(crate) struct Admission {
    /// Its place in the queue; none for a request that was made before, which needs none.
    pub(super) reservation: Option<Reservation>,
    /// The client's own name for the request.
    pub(super) key: Option<String>,
    /// Room on the disk, until it is used.
    room: Option<Promise>,
}

impl Admission {
    /// A place on the volume for the recording.
    pub(crate) async fn spool(&mut self, state: &AppState) -> Result<Spool, ApiError> {
        let room = match self.room.take() {
            Some(room) => room,
            None => state.volume.promise(0).map_err(|NoRoom| ApiError::StorageFull)?,
        };
        Ok(state.volume.spool(JobId::random(), state.max_file_bytes, room).await?)
    }
}

/// Whether a recording of so many bytes, as far as it is known, may come.
pub(crate) fn admit(
    state: &AppState,
    requester: &Requester,
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
    let is_known = key.as_ref().is_some_and(|key| state.registry.find_by_key(requester.caller.key(), key).is_some());
    let reservation = if is_known { None } else { Some(state.registry.reserve()?) };
    let room = state.volume.promise(size.unwrap_or(0)).map_err(|NoRoom| ApiError::StorageFull)?;
    Ok(Admission { reservation, key, room: Some(room) })
}

/// An idempotency key as it may be.
pub(crate) fn checked_key(text: &str) -> Result<String, ApiError> {
    let length = text.chars().count();
    if (1..=MAX_KEY_CHARS).contains(&length) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::InvalidRequest(format!("an idempotency key has 1 to {MAX_KEY_CHARS} printable ASCII characters")))
    }
}
