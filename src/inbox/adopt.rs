//! One settled file, translated for [`crate::intake`]: the sidecar beside it becomes its request. The file stays in place after
//! an error that it did not cause.

use std::io;

use super::sidecar;
use crate::intake::{DroppedFile, Intake, JobRequest, fields};
use crate::jobs::Failure;
use crate::lifecycle::{Reservation, StoreError};
use crate::volume::Arrival;

/// The outcome of adopting a file.
#[derive(Debug)]
pub(super) enum TakeOutcome {
    /// The file is a job now, was removed, or has changed: nothing remains to be done.
    Done,
    /// The disk is full.
    NoRoom,
    /// The file cannot be adopted, for this reason.
    Left(String),
}

/// Creates a job from a file: a waiting one, or a failed one if the file or its sidecar is not valid.
pub(super) async fn take(intake: &Intake, arrival: Arrival, reservation: Reservation) -> TakeOutcome {
    let adopted = match read_request(&arrival).await {
        Ok((request, flaw)) => intake.adopt(DroppedFile { reservation, arrival, request, flaw }).await.map(drop),
        Err(error) => Err(error),
    };
    match adopted {
        // It was taken by a request, or is being written again: the next look decides.
        Ok(()) | Err(StoreError::Missing(_) | StoreError::Busy(_)) => TakeOutcome::Done,
        Err(StoreError::Full(_)) => TakeOutcome::NoRoom,
        Err(StoreError::Failed(cause)) => TakeOutcome::Left(cause),
    }
}

/// The request in the sidecar, or an empty one and the mistake in the sidecar. A sidecar that was removed since it was listed
/// is an error: the file is then not in the state that was listed.
async fn read_request(arrival: &Arrival) -> Result<(JobRequest, Option<Failure>), StoreError> {
    let (mut request, flaw) = match arrival.sidecar() {
        None => (JobRequest::default(), None),
        Some(place) => {
            let name = fields::file_label(Some(&place.name().to_string_lossy()));
            let theirs = arrival.clone();
            let read = tokio::task::spawn_blocking(move || theirs.read_sidecar(sidecar::MAX_BYTES as u64 + 1)).await;
            let bytes = read.unwrap_or_else(|error| Err(io::Error::other(error)))?;
            match sidecar::read(&name, &bytes) {
                Ok(request) => (request, None),
                Err(failure) => (JobRequest::default(), Some(failure)),
            }
        }
    };
    if let Some(folder) = arrival.place().folder() {
        request.metadata.fields.entry("folder").or_insert_with(|| folder.to_string_lossy().into());
    }
    Ok((request, flaw))
}
