//! What the system knows about a file, a folder or a link, without opening it: an open would be noticed by those who watch the
//! folder, this server among them.

use std::fs::File;
use std::io;

use rustix::fs::{FileType, Stat};

/// The facts of a file, a folder or a link. Numbers are as wide as on any machine.
#[derive(Debug, Clone, Copy)]
pub(in crate::volume) struct Facts {
    kind: FileType,
    size: i128,
    inode: i128,
    owner: u32,
    modified: Time,
    changed: Time,
}

/// Seconds since 1970, and nanoseconds.
pub(in crate::volume) type Time = (i128, i128);

impl Facts {
    /// Those of an open file.
    pub(in crate::volume) fn of(file: &File) -> io::Result<Self> {
        Ok(rustix::fs::fstat(file)?.into())
    }

    pub(in crate::volume) fn is_plain_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    pub(in crate::volume) fn is_folder(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(in crate::volume) fn is_link(&self) -> bool {
        self.kind == FileType::Symlink
    }

    /// Size of the file, in bytes.
    pub(in crate::volume) fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }

    pub(in crate::volume) fn inode(&self) -> i128 {
        self.inode
    }

    /// The user that owns it.
    pub(in crate::volume) fn owner(&self) -> u32 {
        self.owner
    }

    /// When its content was changed last.
    pub(in crate::volume) fn modified(&self) -> Time {
        self.modified
    }

    /// When anything about it was changed last.
    pub(in crate::volume) fn changed(&self) -> Time {
        self.changed
    }
}

impl From<Stat> for Facts {
    fn from(stat: Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            size: i128::from(stat.st_size),
            inode: i128::from(stat.st_ino),
            owner: stat.st_uid,
            modified: (i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
            changed: (i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
        }
    }
}
