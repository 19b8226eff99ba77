//! Temporary storage on disk for data of a running job that is too large for memory.
//!
//! Scratch files are unnamed and disappear when they are closed; nothing in them outlives the job. The volume (or the
//! command line) provides the space; the module that writes a file owns its content.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A file that is appended to from start to end and read at any offset.
pub trait ScratchFile: Send + Sync {
    /// Appends bytes to the file.
    ///
    /// # Errors
    /// I/O errors of the disk, including a full disk.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `bytes` from offset `at`.
    ///
    /// # Errors
    /// I/O errors of the disk; `UnexpectedEof` if the file is too short.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A place in which scratch files can be created.
pub trait ScratchSpace: Send + Sync {
    /// True if this many bytes fit, or if the system cannot tell.
    fn has_room(&self, bytes: u64) -> bool;

    /// Creates an empty scratch file.
    ///
    /// # Errors
    /// I/O errors of the disk.
    fn create(&self) -> io::Result<Box<dyn ScratchFile>>;
}

/// A handle to an optional scratch space; clones share it.
#[derive(Clone)]
pub struct Scratch(Option<Arc<dyn ScratchSpace>>);

impl Scratch {
    /// No scratch space: everything stays in memory.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Creates scratch files in this space.
    #[must_use]
    pub fn new(space: impl ScratchSpace + 'static) -> Self {
        Self(Some(Arc::new(space)))
    }

    /// True if this many bytes fit; always true without a space, since data then stays in memory.
    #[must_use]
    pub fn has_room(&self, bytes: u64) -> bool {
        self.0.as_ref().is_none_or(|space| space.has_room(bytes))
    }

    /// Creates a scratch file; `None` if there is no space.
    ///
    /// # Errors
    /// I/O errors of the disk.
    pub fn create(&self) -> io::Result<Option<Box<dyn ScratchFile>>> {
        self.0.as_ref().map(|space| space.create()).transpose()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Scratch(a place)" } else { "Scratch(none)" })
    }
}
