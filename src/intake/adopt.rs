//! Creating a job from a file that was dropped into `incoming/`. No client waits for it, so a problem with the file becomes the
//! failure of the job.

use std::sync::Arc;

use super::error::IntakeError;
use super::identify::Identified;
use super::request::JobRequest;
use super::{Intake, fields};
use crate::jobs::{Failure, FileInfo, Job};
use crate::lifecycle::{Accepted, Recording, Reservation, Seat, StoreError};
use crate::media::Headerless;
use crate::media::SourceInfo;
use crate::volume::Arrival;

/// A file that was dropped into `incoming/` and has settled.
pub(crate) struct DroppedFile {
    pub(crate) reservation: Reservation,
    pub(crate) arrival: Arrival,
    pub(crate) request: JobRequest,
    /// The mistake in the request, which is then empty.
    pub(crate) flaw: Option<Failure>,
}

impl Intake {
    /// Creates a job from a dropped file: a waiting one, or a failed one that reports every problem with the file or its
    /// sidecar.
    ///
    /// # Errors
    /// When the cause is not the file, which then keeps or regains its name. `Missing` and `Busy` if it has changed meanwhile.
    pub(crate) async fn adopt(&self, file: DroppedFile) -> Result<Arc<Job>, StoreError> {
        let lifecycle = &self.parts().lifecycle;
        let DroppedFile { reservation, arrival, request, flaw } = file;
        let filename = fields::file_label(Some(&arrival.name()));
        let recording = Recording::Dropped(Box::new(arrival));
        let mut flaws = Vec::new();
        let Identified { source, file } = self.identify(&recording, Headerless::from_name(&filename)).await;
        let source = match source {
            Ok(source) => source,
            Err(refusal) => {
                flaws.push(refusal.into_failure()?);
                SourceInfo::unknown()
            }
        };
        flaws.extend(flaw);
        if let Err(refusal) = self.check_models(&request.options) {
            flaws.push(refusal.into_failure()?);
        }
        // A file that is too large is not read.
        let is_read = recording.size() <= self.limits().max_file_bytes;
        let sha256 = if is_read { self.hash(&recording, file).await? } else { String::new() };
        let file = FileInfo { filename, size_bytes: recording.size(), source, sha256 };
        let new = request.draft(file, None, None);
        let message = flaws.iter().map(|flaw| flaw.message.as_str()).collect::<Vec<_>>().join("; ");
        match (flaws.into_iter().next(), recording) {
            (Some(first), Recording::Dropped(arrival)) => lifecycle.set_aside(new, Failure { message, ..first }, arrival).await,
            (_, recording) => match lifecycle.accept(Seat::Reserved(reservation), new, recording).await {
                Ok(Accepted::New(job) | Accepted::Replayed(job)) => Ok(job),
                Err(refusal) => Err(match IntakeError::from(refusal).into_failure() {
                    Ok(failure) => StoreError::Failed(failure.message),
                    Err(error) => error,
                }),
            },
        }
    }
}
