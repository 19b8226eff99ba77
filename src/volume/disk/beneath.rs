//! The system's operations on paths below a folder, without following links.
//!
//! Other programs may write into the volume's folders, and at any time put a link where the server had a folder or a file. So
//! no path is handed to the system as a whole: the folder in the volume's root is opened first, and everything below it is
//! resolved from there by `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`, or step by step where the kernel lacks
//! that call. The folders in the root themselves may be links: only the operator writes there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::facts::Facts;
use crate::plain_file::{self, NEVER_WAIT};

/// Mode of the files of jobs, before the umask: they hold speech, or where it is.
const FILE_MODE: u32 = 0o640;
/// Mode of the folders of jobs, before the umask.
const FOLDER_MODE: u32 = 0o750;

/// Whether the kernel has no `openat2` (before 5.6).
static LACKS_OPENAT2: AtomicBool = AtomicBool::new(false);

/// A folder whose paths are resolved here.
#[derive(Debug)]
pub(super) struct Beneath(PathBuf);

impl Beneath {
    pub(super) fn new(root: &Path) -> Self {
        Self(root.to_path_buf())
    }

    /// The folder in the root that a path leads through, opened, and the rest of the path.
    fn base<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a Path)> {
        let inside = path.strip_prefix(&self.0).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "outside the volume"))?;
        if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of its folder"));
        }
        let mut parts = inside.components();
        let (top, rest) = match parts.next() {
            Some(first) if parts.clone().next().is_some() => (self.0.join(first), parts.as_path()),
            Some(_) | None => (self.0.clone(), inside),
        };
        Ok((rustix::fs::openat(CWD, &top, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?, rest))
    }

    /// The folder that holds the last part of a path, and this part.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
        let (base, rest) = self.base(path)?;
        let name = rest.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no name"))?;
        match rest.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => {
                Ok((below(&base, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?, name))
            }
            Some(_) | None => Ok((base, name)),
        }
    }

    /// Opens a plain file, never waiting for it. New files get this mode, before the umask.
    pub(super) fn open(&self, path: &Path, flags: OFlags, mode: u32) -> io::Result<File> {
        let (base, rest) = self.base(path)?;
        let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(mode) } else { Mode::empty() };
        plain_file::checked(below(&base, rest, flags | NEVER_WAIT | OFlags::NOFOLLOW, mode)?.into())
    }

    pub(super) fn read_only(&self, path: &Path) -> io::Result<File> {
        self.open(path, OFlags::RDONLY, 0)
    }

    /// Creates a file, or empties an existing one.
    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        self.open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC, FILE_MODE)
    }

    /// Creates a file for reading and writing; no file with its name may exist.
    pub(super) fn create_new(&self, path: &Path) -> io::Result<File> {
        self.open(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, FILE_MODE)
    }

    /// Opens a file to append to, and creates it if need be.
    pub(super) fn create_to_append(&self, path: &Path) -> io::Result<File> {
        self.open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND, FILE_MODE)
    }

    /// Opens a folder for reading its entries, or for flushing it.
    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let is_top = path.parent() == Some(&self.0) || path == self.0;
        if is_top {
            return Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?);
        }
        let (base, rest) = self.base(path)?;
        below(&base, rest, flags | OFlags::NOFOLLOW, Mode::empty())
    }

    pub(super) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::from(self.folder(path)?).sync_all()
    }

    pub(super) fn entries(&self, path: &Path) -> io::Result<Entries> {
        Ok(Entries { entries: Dir::new(self.folder(path)?)?, folder: path.to_path_buf() })
    }

    /// What is known about a file, a folder or a link itself.
    pub(super) fn facts(&self, path: &Path) -> io::Result<Facts> {
        if path == self.0 {
            return Ok(rustix::fs::statat(CWD, path, AtFlags::empty())?.into());
        }
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?.into())
    }

    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(FOLDER_MODE))?)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let ((from, old), (to, new)) = (self.parent(from)?, self.parent(to)?);
        Ok(rustix::fs::renameat(from, old, to, new)?)
    }

    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?)
    }

    pub(super) fn link(&self, target: &str, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::symlinkat(target, parent, name)?)
    }

    pub(super) fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let (parent, name) = self.parent(path)?;
        let target = rustix::fs::readlinkat(parent, name, Vec::new())?;
        Ok(PathBuf::from(OsStr::from_bytes(target.to_bytes())))
    }
}

/// Opens what lies below a folder, following no link.
fn below(base: &OwnedFd, rest: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    if !LACKS_OPENAT2.load(Ordering::Relaxed) {
        match rustix::fs::openat2(base, rest, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
            Err(Errno::NOSYS) => LACKS_OPENAT2.store(true, Ordering::Relaxed),
            // Containers of older versions refuse the call itself so.
            Err(Errno::PERM) => {}
            opened => return opened.map_err(refused),
        }
    }
    step_by_step(base, rest, flags, mode).map_err(refused)
}

fn step_by_step(base: &OwnedFd, rest: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
    let mut folder: Option<OwnedFd> = None;
    let mut parts = rest.components().peekable();
    while let Some(part) = parts.next() {
        let from = folder.as_ref().unwrap_or(base);
        if parts.peek().is_none() {
            return rustix::fs::openat(from, part.as_os_str(), flags | OFlags::NOFOLLOW, mode);
        }
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        folder = Some(rustix::fs::openat(from, part.as_os_str(), through, Mode::empty())?);
    }
    rustix::fs::openat(base, ".", flags, mode)
}

fn refused(error: Errno) -> io::Error {
    if error == Errno::LOOP { io::Error::other("a link is in the way, and links are not followed here") } else { error.into() }
}

/// The entries of a folder, in no order.
pub(in crate::volume) struct Entries {
    entries: Dir,
    folder: PathBuf,
}

/// A file, a folder or a link in a folder.
pub(in crate::volume) struct Entry {
    name: OsString,
    folder: PathBuf,
    kind: FileType,
}

impl Entry {
    pub(in crate::volume) fn file_name(&self) -> &OsStr {
        &self.name
    }

    pub(in crate::volume) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub(in crate::volume) fn is_folder(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(in crate::volume) fn is_plain_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        loop {
            let found = match self.entries.read()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error.into())),
            };
            let name = OsStr::from_bytes(found.file_name().to_bytes()).to_owned();
            if name == "." || name == ".." {
                continue;
            }
            let mut kind = found.file_type();
            if kind == FileType::Unknown {
                // Some file systems do not tell. What has been removed meanwhile stays unknown.
                let stat = self.entries.fd().and_then(|folder| rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW));
                kind = stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
            }
            return Some(Ok(Entry { name, folder: self.folder.clone(), kind }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the test lays files")]
    fn world() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("top/job")).unwrap();
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        std::fs::write(root.join("top/job/file"), b"own").unwrap();
        symlink(folder.path(), root.join("top/link")).unwrap();
        symlink(folder.path().join("secret"), root.join("top/job/linked")).unwrap();
        symlink(root.join("top"), root.join("linked top")).unwrap();
        (folder, root)
    }

    #[test]
    fn no_link_below_a_folder_of_the_root_is_followed_by_either_way() {
        let (folder, root) = world();
        let beneath = Beneath::new(&root);
        for is_old_kernel in [false, true] {
            LACKS_OPENAT2.store(is_old_kernel, Ordering::Relaxed);
            assert!(beneath.read_only(&root.join("top/job/file")).is_ok());
            assert!(beneath.read_only(&root.join("linked top/job/file")).is_ok());
            for path in ["top/job/linked", "top/link/secret", "top/link/root/top/job/file"] {
                assert!(beneath.read_only(&root.join(path)).is_err(), "{path}");
            }
            assert!(beneath.read_only(&root.join("top/../../secret")).is_err());
            assert!(beneath.read_only(&folder.path().join("secret")).is_err());
            assert!(beneath.create(&root.join("top/link/made")).is_err());
            assert!(beneath.create(&root.join("top/job/linked")).is_err());
            assert!(beneath.create_folder(&root.join("top/link/made")).is_err());
            assert!(beneath.rename(&root.join("top/job/file"), &root.join("top/link/moved")).is_err());
            assert!(beneath.remove_file(&root.join("top/link/secret")).is_err());
            assert!(beneath.entries(&root.join("top/link")).is_err());
            assert!(beneath.facts(&root.join("top/job/linked")).unwrap().is_link());
            assert!(beneath.facts(&root.join("top/link/secret")).is_err());
        }
        LACKS_OPENAT2.store(false, Ordering::Relaxed);
        assert_eq!(std::fs::read(folder.path().join("secret")).unwrap(), b"secret");
    }
}
