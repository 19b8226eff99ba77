//! One settled file: it is examined, and becomes a job that waits, or a failed one that says what is wrong with it. What is
//! trouble of the volume or of the moment leaves it where it is.

use std::io;

use tracing::{info, warn};

use super::sidecar::{self, Flaw, Wishes};
use crate::audio::decode::{self, DecodeError, DecodeLimits};
use crate::audio::headerless::Headerless;
use crate::capabilities::EngineStatus;
use crate::clock::Clock;
use crate::intake::{self, Draft, fields};
use crate::jobs::registry::{Registry, Reservation};
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode, FileInfo, Job, JobId, JobState};
use crate::volume::{Arrival, Volume};

/// What stands for the format and the codec of a file that is no recording.
const UNKNOWN: &str = "unknown";

/// What taking a file needs.
#[derive(Clone)]
pub(super) struct Taker {
    pub(super) registry: Registry,
    pub(super) volume: Volume,
    pub(super) clock: Clock,
    pub(super) engine: EngineStatus,
    pub(super) max_file_bytes: u64,
    pub(super) decode_limits: DecodeLimits,
}

/// What became of a file.
#[derive(Debug)]
pub(super) enum TakeOutcome {
    /// It is a job now, or has gone, or has changed: there is nothing more to do about it.
    Done,
    /// The volume has no room.
    NoRoom,
    /// It cannot be taken, for this reason.
    Left(io::Error),
}

impl Taker {
    /// Takes a file. Reads it all, so this is for a thread that may wait.
    pub(super) fn take(&self, arrival: &Arrival, reservation: Reservation) -> TakeOutcome {
        match self.draft(arrival).and_then(|job| self.volume.take(arrival, &job).map(|()| job)) {
            Ok(job) => {
                self.enter(job, reservation);
                TakeOutcome::Done
            }
            // Another way was quicker, or it is being written again: the next look tells.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ResourceBusy) => TakeOutcome::Done,
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                TakeOutcome::NoRoom
            }
            Err(error) => TakeOutcome::Left(error),
        }
    }

    fn enter(&self, job: Job, reservation: Reservation) {
        let (id, size) = (job.id, job.file.size_bytes);
        if let JobState::Failed { failure, .. } = &job.state {
            warn!(event = "file_set_aside", job_id = %id, size, code = failure.code.name(), "A file in incoming/ cannot be used");
            self.registry.restore(job);
        } else {
            let format = job.file.format.as_str();
            info!(event = "job_accepted", job_id = %id, size, format, source = "incoming", "Accepted a recording");
            self.registry.submit(reservation, job);
        }
    }

    /// The job that a file becomes. It is failed if anything is wrong with the file or its sidecar, and says all of it.
    fn draft(&self, arrival: &Arrival) -> io::Result<Job> {
        let filename = fields::file_label(Some(&arrival.name()));
        let (mut file, flaw) = self.examine(arrival, filename)?;
        let mut flaws: Vec<(Flaw, Option<Stage>)> = flaw.into_iter().map(|flaw| (flaw, None)).collect();
        let wishes = wishes(arrival)?.unwrap_or_else(|flaw| {
            flaws.push((flaw, None));
            Wishes::default()
        });
        if let Some((stage, reason)) = intake::missing_model(&self.engine, &wishes.options) {
            flaws.push(((FailureCode::ModelUnavailable, reason), Some(stage)));
        }
        if arrival.size() <= self.max_file_bytes {
            file.sha256 = arrival.sha256()?;
        }
        let Wishes { mut metadata, options } = wishes;
        if let Some(folder) = arrival.place().folder() {
            metadata.fields.entry("folder").or_insert_with(|| folder.to_string_lossy().into());
        }
        let draft = Draft { id: JobId::random(), file, metadata, options, owner: None, idempotency: None };
        let job = intake::draft(&self.registry, &self.clock, draft);
        let message = flaws.iter().map(|((_, message), _)| message.as_str()).collect::<Vec<_>>().join("; ");
        let Some(((code, _), stage)) = flaws.into_iter().next() else { return Ok(job) };
        let failure = Failure { code, message, stage };
        let state = JobState::Failed { started_at: None, finished_at: job.created_at, failure, progress: None };
        Ok(Job { last_event: state.events(), state, ..job })
    }

    /// What the recording is, and what is wrong with it.
    fn examine(&self, arrival: &Arrival, filename: String) -> io::Result<(FileInfo, Option<Flaw>)> {
        let size_bytes = arrival.size();
        let flaw = if size_bytes > self.max_file_bytes {
            let limit = self.max_file_bytes;
            (FailureCode::FileTooLarge, format!("the file has {size_bytes} bytes; files.max_size allows {limit}"))
        } else if size_bytes == 0 {
            (FailureCode::AudioEmpty, DecodeError::Empty.to_string())
        } else {
            match decode::probe_as(arrival.path(), Headerless::from_name(&filename), &self.decode_limits) {
                Ok(source) => return Ok((intake::describe(filename, size_bytes, String::new(), &source), None)),
                Err(error) => {
                    let message = error.to_string();
                    match error {
                        DecodeError::Unsupported { .. } => (FailureCode::UnsupportedFormat, message),
                        DecodeError::Invalid { .. } => (FailureCode::InvalidAudio, message),
                        DecodeError::TooLong { .. } => (FailureCode::AudioTooLong, message),
                        DecodeError::Empty => (FailureCode::AudioEmpty, message),
                        DecodeError::Read(source) => return Err(source),
                        DecodeError::Signal(error) => return Err(io::Error::other(error)),
                        DecodeError::Stopped(stopped) => return Err(io::Error::other(stopped)),
                    }
                }
            }
        };
        let file = FileInfo {
            filename,
            size_bytes,
            format: UNKNOWN.to_owned(),
            codec: UNKNOWN.to_owned(),
            sample_rate: 0,
            channels: 0,
            duration_seconds: 0.0,
            sha256: String::new(),
        };
        Ok((file, Some(flaw)))
    }
}

/// What the sidecar asks for; nothing if there is none. One that went away meanwhile is an error: what was seen is not there.
fn wishes(arrival: &Arrival) -> io::Result<Result<Wishes, Flaw>> {
    let Some(place) = arrival.sidecar() else { return Ok(Ok(Wishes::default())) };
    let bytes = arrival.read_sidecar(sidecar::MAX_BYTES as u64 + 1)?;
    Ok(sidecar::read(&fields::file_label(Some(&place.name().to_string_lossy())), &bytes))
}
