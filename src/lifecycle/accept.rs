//! Accepting a recording: a drafted job and its recording are stored together, or neither is.

use std::fs::File;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::{info, warn};

use super::{Inner, Lifecycle, QueueFull, Seat, StoreError, transition};
use crate::access::KeyId;
use crate::access::limits::Client;
use crate::jobs::options::JobOptions;
use crate::jobs::{Failure, FileInfo, Idempotency, Job, JobId, JobState};
use crate::volume::{Announced, Arrival, Look, NoRoom, Spool, SpoolError};

/// A drafted job that is not registered yet.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub file: FileInfo,
    pub metadata: Map<String, Value>,
    pub options: JobOptions,
    /// 1 (lowest) to 10.
    pub priority: u8,
    pub owner: Option<KeyId>,
    pub idempotency: Option<Idempotency>,
}

/// A recording on its way to its place.
#[derive(Debug)]
pub enum Recording {
    /// Received over the network.
    Spooled(Box<Spool>),
    /// A file that was dropped into `incoming/`.
    Dropped(Box<Arrival>),
}

/// Opens a recording for reading.
pub(crate) type Opener = Box<dyn FnOnce() -> Result<File, StoreError> + Send>;

/// The job of a request.
#[derive(Debug)]
pub enum Accepted {
    /// Made by this request.
    New(Arc<Job>),
    /// Made by an earlier request with the same idempotency key.
    Replayed(Arc<Job>),
}

/// An idempotency key was used before for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key was used for another request")]
pub struct KeyReused;

/// Why a recording was not accepted. A spooled one was removed; a dropped one keeps or regains its name.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SpoolError> for StoreError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full(source) => Self::Full(source.to_string()),
            SpoolError::Io(source) => Self::Failed(format!("writing to the volume: {source}")),
            SpoolError::NoRoom(_) => Self::Full(error.to_string()),
            SpoolError::TooLarge { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl Lifecycle {
    /// Whether the store has room for a recording of this size, as far as the size is known, and for the work on it.
    ///
    /// # Errors
    /// When there is none, for anybody or for this client.
    pub fn check_room(&self, client: Option<&Client>, size: u64) -> Result<(), NoRoom> {
        self.0.volume.check_room(client, size)
    }

    /// A look at a recording, which its examination begins and ends: a start then knows what the server died on.
    pub fn look_at(&self, recording: &Recording) -> Look {
        match recording {
            Recording::Spooled(_) => self.0.volume.look_at_upload(),
            Recording::Dropped(arrival) => self.0.volume.look_at_dropped(arrival),
        }
    }

    /// How often the server has died while it examined this recording; an upload is new each time.
    pub fn deaths_on(&self, recording: &Recording) -> u32 {
        match recording {
            Recording::Spooled(_) => 0,
            Recording::Dropped(arrival) => self.0.volume.deaths_on(arrival),
        }
    }

    /// Opens a place for a new recording of at most `limit` bytes.
    ///
    /// # Errors
    /// When the store refuses it.
    pub async fn open_spool(&self, announced: Announced, limit: u64) -> Result<Spool, SpoolError> {
        self.0.volume.spool(announced, limit).await
    }

    /// The job that an earlier request made under this idempotency key; none if there was no such request.
    ///
    /// # Errors
    /// When the earlier request asked for something else.
    pub fn find_replay(&self, owner: Option<&KeyId>, request: &Idempotency) -> Result<Option<Arc<Job>>, KeyReused> {
        self.0.find_replay(owner, request)
    }

    /// The same, after any request with this key that is in progress has been completed.
    ///
    /// # Errors
    /// When the earlier request asked for something else.
    pub async fn find_settled_replay(&self, owner: Option<&KeyId>, request: &Idempotency) -> Result<Option<Arc<Job>>, KeyReused> {
        let _settled = self.0.locks.hold((owner, &request.key)).await;
        self.0.find_replay(owner, request)
    }

    /// Makes a waiting job of a recording, unless an earlier request with the same idempotency key made it.
    ///
    /// # Errors
    /// When the key was used for another request, the queue is full, or the store refuses the recording.
    pub async fn accept(&self, seat: Seat, new: NewJob, recording: Recording) -> Result<Accepted, AcceptError> {
        let guard = match &new.idempotency {
            Some(request) => {
                let guard = self.0.locks.hold((new.owner.as_ref(), &request.key)).await;
                if let Some(made) = self.0.find_replay(new.owner.as_ref(), request)? {
                    return Ok(Accepted::Replayed(made));
                }
                Some(guard)
            }
            None => None,
        };
        let reservation = match seat {
            Seat::Reserved(reservation) => reservation,
            Seat::Due(client) => self.reserve(client.as_ref())?,
        };
        self.step(move |inner| {
            let _held = guard;
            let job = inner.draft(new, recording.job_id());
            let source = inner.store(&job, &recording)?;
            let (size, format) = (job.file.size_bytes, job.file.source.format.name());
            info!(event = "job_accepted", job_id = %job.id, size, format, source, "Accepted a recording");
            Ok(Accepted::New(inner.registry.submit(reservation, job)))
        })
        .await
    }

    /// Creates a failed job from a dropped file that cannot be used: the failure can then be read, and the file is moved away.
    ///
    /// # Errors
    /// When the store refuses it.
    pub async fn set_aside(&self, new: NewJob, failure: Failure, arrival: Box<Arrival>) -> Result<Arc<Job>, StoreError> {
        self.step(move |inner| {
            let (recording, code) = (Recording::Dropped(arrival), failure.code.name());
            let waiting = inner.draft(new, recording.job_id());
            let state = transition::failed(&waiting, waiting.created_at, failure).state;
            let job = transition::made(Job { state, ..waiting });
            inner.store(&job, &recording)?;
            let size = job.file.size_bytes;
            warn!(event = "file_set_aside", job_id = %job.id, size, code, "A file in incoming/ cannot be used");
            Ok(inner.registry.restore(job))
        })
        .await
    }
}

impl Recording {
    /// Size in bytes, as received or as last seen.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Spooled(spool) => spool.written(),
            Self::Dropped(arrival) => arrival.size(),
        }
    }

    /// Opens the file for reading when it is called, which blocks. Fails with `Missing` or `Busy` if a dropped file is not the
    /// one that was found any more.
    pub(crate) fn opener(&self) -> Opener {
        match self {
            Self::Spooled(spool) => {
                let open = spool.opener();
                Box::new(move || Ok(open()?))
            }
            Self::Dropped(arrival) => {
                let arrival = arrival.clone();
                Box::new(move || Ok(arrival.open()?))
            }
        }
    }

    /// The id of the job that the recording becomes: a spool already has one.
    fn job_id(&self) -> JobId {
        match self {
            Self::Spooled(spool) => spool.id(),
            Self::Dropped(_) => JobId::random(),
        }
    }
}

impl Inner {
    fn find_replay(&self, owner: Option<&KeyId>, request: &Idempotency) -> Result<Option<Arc<Job>>, KeyReused> {
        match self.registry.find_by_key(owner, &request.key) {
            Some(made) if made.idempotency.as_ref() == Some(request) => Ok(Some(made)),
            Some(_) => Err(KeyReused),
            None => Ok(None),
        }
    }

    /// A waiting job, placed behind all jobs that were created before.
    fn draft(&self, new: NewJob, id: JobId) -> Job {
        let NewJob { file, metadata, options, priority, owner, idempotency } = new;
        let sequence = self.registry.next_sequence();
        transition::made(Job {
            id,
            estimated_seconds: self.registry.estimated_seconds(&file, &options),
            file,
            metadata,
            options,
            priority,
            created_at: self.clock.now(),
            sequence,
            arrival: sequence,
            attempts: 0,
            owner,
            idempotency,
            last_event: 0,
            state: JobState::Queued,
        })
    }

    /// Moves a recording into the place of its job. Returns where it came from, for the log.
    fn store(&self, job: &Job, recording: &Recording) -> Result<Option<&'static str>, StoreError> {
        match recording {
            Recording::Spooled(spool) => self.volume.accept(spool, job).map(|()| None).map_err(StoreError::from),
            Recording::Dropped(arrival) => {
                self.volume.take(arrival, job)?;
                Ok(Some("incoming"))
            }
        }
    }
}
