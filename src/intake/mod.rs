//! The only way from a recording to a job, for every source: uploaded over HTTP or a WebSocket, or dropped into `incoming/` and
//! named by a request or found by the watched folder.
//!
//! The steps are the same for all: the size is checked, the file is identified, hashed, and a job is drafted and placed by
//! [`Lifecycle`]. A request gets a refusal for what is wrong ([`Intake::submit`]); a dropped file becomes a failed job
//! with the reason ([`Intake::adopt`]). Intake knows neither requests nor when a dropped file has settled.

mod admission;
mod adopt;
mod error;
#[cfg(feature = "faults")]
mod faults;
pub(crate) mod fields;
mod identify;
mod request;
mod submit;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub(crate) use crate::volume::{NoRoom, Spool, SpoolError};
pub(crate) use admission::{Admission, Sender};
pub(crate) use adopt::DroppedFile;
pub(crate) use error::IntakeError;
pub(crate) use request::{InvalidRequest, JobRequest};
pub(crate) use submit::{Origin, Submission};

use crate::audio::decode::DecodeLimits;
use crate::capabilities::EngineStatus;
use crate::jobs::options::JobOptions;
use crate::lifecycle::Lifecycle;
use crate::volume::DropFolder;

/// The greatest number of files that are identified concurrently: each takes a thread.
const MAX_PROBES: u32 = 4;

/// The handle; clones share everything.
#[derive(Clone)]
pub struct Intake(Arc<Shared>);

struct Shared {
    parts: Parts,
    probes: Semaphore,
}

/// The parts that intake needs.
pub struct Parts {
    pub lifecycle: Lifecycle,
    /// The folder that recordings are dropped into.
    pub incoming: DropFolder,
    /// Which stages can run.
    pub engine: EngineStatus,
    pub limits: Limits,
}

/// The limits of a recording.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of the file (`files.max_size`).
    pub max_file_bytes: u64,
    /// How often the server may die while it examines a dropped file (`queue.max_attempts`).
    pub max_deaths: u32,
    pub decode: DecodeLimits,
}

impl Intake {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared { parts, probes: Semaphore::new(MAX_PROBES as usize) }))
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts().limits
    }

    /// Refuses a strict job that is known beforehand to fail because a model is missing.
    pub(crate) fn check_models(&self, options: &JobOptions) -> Result<(), IntakeError> {
        if !options.strict {
            return Ok(());
        }
        let stages = self.parts().engine.stages().iter().filter(|info| info.stage.is_wanted(options));
        let mut missing = stages.filter_map(|info| info.missing.as_ref().map(|reason| (info.stage, reason.clone())));
        missing.next().map_or(Ok(()), |(stage, reason)| Err(IntakeError::ModelMissing { stage, reason }))
    }
}
