//! Opens a file for reading only if it is a plain one.
//!
//! A pipe, a device or a folder in the place of a file must not hold a thread, and a file without an end must not fill the memory.
//! So the open never blocks, the descriptor itself is checked, and that same descriptor is read: a file that is exchanged after
//! the check is not the one that is read. Links are followed here; what lies in the volume's folders is opened by
//! [`crate::volume`], which follows none.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Flags of every open: it never waits for the other end of a pipe, and the file is closed in child processes.
pub(crate) const NEVER_WAIT: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens a plain file for reading.
///
/// # Errors
/// When it cannot be opened, or is not a plain file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    checked(rustix::fs::open(path, OFlags::RDONLY | NEVER_WAIT, Mode::empty())?.into())
}

/// The file, if its descriptor is that of a plain one.
///
/// # Errors
/// When it is a pipe, a socket, a device or a folder.
pub(crate) fn checked(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")) }
}

/// Everything that an open file holds, up to this many bytes.
///
/// # Errors
/// When it cannot be read, or holds more.
pub(crate) fn read(file: &File, at_most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().min(at_most);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(at_most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > at_most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it holds more than {at_most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_are_opened_and_no_more_than_the_bound_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert_eq!(open(path).unwrap_err().to_string(), "it is no plain file", "{}", path.display());
        }
        let file = open(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(read(&file, 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
