//! Why the server did not start, or stopped without being asked to.

use std::net::SocketAddr;

use crate::engine::StartError;
use crate::lifecycle::StoreError;
use crate::volume::{KeyFileError, OpenError};
use crate::worker::EngineStalled;

/// Why the server did not start, or stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The volume cannot be used.
    #[error(transparent)]
    Volume(#[from] OpenError),
    /// The jobs on the volume cannot be read.
    #[error("the jobs on the volume could not be read: {0}")]
    Recover(#[source] StoreError),
    /// The key file cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// The address is in use or not available.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    /// The engine stalled; its job is set aside, and only a new process can run the others.
    #[error(transparent)]
    Stalled(#[from] EngineStalled),
    /// The server ended without having been asked to.
    #[error("the server ended unexpectedly: {0}")]
    Serve(String),
}
