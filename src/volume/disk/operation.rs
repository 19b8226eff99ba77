//! The kinds of operations on files.

/// The kinds of operations, of which a test can let one fail.
#[cfg_attr(not(feature = "faults"), expect(unreachable_pub, reason = "the tests use it, which have the feature"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A folder is made.
    CreateFolder,
    /// A file is made, empty.
    Create,
    /// Bytes are added to a file.
    Write,
    /// A file or folder is flushed to the disk.
    Sync,
    /// A file or folder gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// A folder is removed with all that is in it.
    RemoveFolder,
    /// A file is read, or its metadata.
    Read,
}
