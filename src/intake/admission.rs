//! The checks of a recording before a byte of it is read: its announced size, a place in the queue, room on the disk.

use super::Intake;
use super::error::IntakeError;
use crate::access::KeyId;
use crate::lifecycle::Reservation;
use crate::volume::{Promise, Spool};

/// Permission to upload a recording.
pub(crate) struct Admission {
    /// A place in the queue; none for a repeated request, which needs no place.
    pub(super) reservation: Option<Reservation>,
    /// The idempotency key of the request.
    pub(super) key: Option<String>,
    /// Reserved room on the disk, until a spool uses it.
    room: Option<Promise>,
}

impl Admission {
    /// Whether the request is a new one, as far as its idempotency key shows.
    pub(crate) fn is_new(&self) -> bool {
        self.reservation.is_some()
    }
}

impl Intake {
    /// Decides whether a recording may be sent. `size` is in bytes, as far as it is known.
    pub(crate) fn admit(&self, owner: Option<&KeyId>, size: Option<u64>, key: Option<String>) -> Result<Admission, IntakeError> {
        let limit = self.limits().max_file_bytes;
        if let Some(size) = size.filter(|size| *size > limit) {
            return Err(IntakeError::TooLarge { size: Some(size), limit });
        }
        let lifecycle = &self.parts().lifecycle;
        let is_known = key.as_ref().is_some_and(|key| lifecycle.jobs().find_by_key(owner, key).is_some());
        let reservation = if is_known { None } else { Some(lifecycle.reserve()?) };
        let room = lifecycle.promise_room(size.unwrap_or(0))?;
        Ok(Admission { reservation, key, room: Some(room) })
    }

    /// Opens a place for the recording that was admitted.
    pub(crate) async fn open_spool(&self, admission: &mut Admission) -> Result<Spool, IntakeError> {
        let lifecycle = &self.parts().lifecycle;
        let room = match admission.room.take() {
            Some(room) => room,
            None => lifecycle.promise_room(0)?,
        };
        Ok(lifecycle.open_spool(self.limits().max_file_bytes, room).await?)
    }
}
