//! Room beside memory for what a job works with: files that nobody else sees and that are gone when they are closed.
//!
//! Where they lie is the volume's business, which hands in the space (the command line has one as well); what is in them is
//! that of whoever writes them. Nothing in them outlives the job: a restart makes them anew.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A file that is written once from start to end, and read anywhere.
pub trait ScratchFile: Send + Sync {
    /// Adds bytes at its end.
    ///
    /// # Errors
    /// Those of the disk, a full one among them.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `bytes` with what stands from byte `at` on.
    ///
    /// # Errors
    /// Those of the disk; also when it ends before.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A place where such files can be made.
pub trait ScratchSpace: Send + Sync {
    /// Whether so many bytes fit in. A system that does not tell has room.
    fn has_room(&self, bytes: u64) -> bool;

    /// Makes a file.
    ///
    /// # Errors
    /// Those of the disk.
    fn create(&self) -> io::Result<Box<dyn ScratchFile>>;
}

/// The handle; clones are the same.
#[derive(Clone)]
pub struct Scratch(Option<Arc<dyn ScratchSpace>>);

impl Scratch {
    /// There is no such place: everything stays in memory.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// In this place.
    #[must_use]
    pub fn new(space: impl ScratchSpace + 'static) -> Self {
        Self(Some(Arc::new(space)))
    }

    /// Whether so many bytes fit in; without a place they stay in memory.
    #[must_use]
    pub fn has_room(&self, bytes: u64) -> bool {
        self.0.as_ref().is_none_or(|space| space.has_room(bytes))
    }

    /// A new file; none when there is no place for it.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn create(&self) -> io::Result<Option<Box<dyn ScratchFile>>> {
        self.0.as_ref().map(|space| space.create()).transpose()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Scratch(a place)" } else { "Scratch(none)" })
    }
}
