//! The checks of a recording before a byte of it is read: its announced size, a place in the queue, room on the disk. Nothing
//! is kept for it yet: its first bytes take a place and room.

use super::Intake;
use super::error::IntakeError;
use crate::access::KeyId;
use crate::access::limits::Client;
use crate::jobs::JobId;
use crate::lifecycle::Seat;
use crate::volume::{Announced, Spool};

/// Who wants to send a recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    /// The key that will own the job.
    pub(crate) owner: Option<&'a KeyId>,
    /// The client whose share of places and room the recording takes.
    pub(crate) client: &'a Client,
}

/// Permission to upload a recording.
pub(crate) struct Admission {
    /// The place in the queue; to be found as long as no byte has arrived.
    pub(super) seat: Seat,
    /// The idempotency key of the request.
    pub(super) key: Option<String>,
    announced: Announced,
    is_new: bool,
}

impl Admission {
    /// Whether the request is a new one, as far as its idempotency key shows.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// The job that the recording will become.
    pub(crate) fn job_id(&self) -> JobId {
        self.announced.id
    }
}

impl Intake {
    /// Decides whether a recording may be sent. `size` is in bytes, as far as it is known.
    pub(crate) fn admit(&self, sender: Sender<'_>, size: Option<u64>, key: Option<String>) -> Result<Admission, IntakeError> {
        let limit = self.limits().max_file_bytes;
        if let Some(size) = size.filter(|size| *size > limit) {
            return Err(IntakeError::TooLarge { size: Some(size), limit });
        }
        let (lifecycle, client) = (&self.parts().lifecycle, sender.client);
        // A repeated request needs no place.
        let is_new = key.as_ref().is_none_or(|key| lifecycle.jobs().find_by_key(sender.owner, key).is_none());
        if is_new {
            lifecycle.jobs().check_seat(Some(client))?;
        }
        lifecycle.check_room(Some(client), size.unwrap_or(0))?;
        let announced = Announced { id: JobId::random(), client: Some(client.clone()), size };
        Ok(Admission { seat: Seat::Due(Some(client.clone())), key, announced, is_new })
    }

    /// Opens a place for the recording that was admitted, whose first bytes have arrived.
    pub(crate) async fn open_spool(&self, admission: &mut Admission) -> Result<Spool, IntakeError> {
        let lifecycle = &self.parts().lifecycle;
        if let Seat::Due(client) = &admission.seat
            && admission.is_new
        {
            admission.seat = Seat::Reserved(lifecycle.reserve(client.as_ref())?);
        }
        Ok(lifecycle.open_spool(admission.announced.clone(), self.limits().max_file_bytes).await?)
    }
}
