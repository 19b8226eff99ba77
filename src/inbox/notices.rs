//! What the system tells of the watched folder while nobody looks (`inotify`): that a look is worth it, and which files are
//! still open to be written to. Bind mounts of other machines and network mounts tell nothing, so the folder is looked at
//! without being told, too; where there are no notices at all, this is silent.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tracing::{info, warn};

use super::writers::{Notice, Writers};
use crate::jobs::JobId;
use crate::volume::Place;

/// Most folders of `incoming/` that notices are asked for; the system has a limit for all programs together. The others are
/// found by looking.
const MAX_FOLDERS: usize = 1024;
/// Bytes that one call reads: room for some 15 notices of the longest names, or a hundred of usual ones.
const BUFFER_BYTES: usize = 4096;

/// The notices, where there are any.
pub(super) struct Notices {
    incoming: PathBuf,
    source: Option<OwnedFd>,
    /// The folders by the numbers that notices name; none is `incoming/` itself.
    folders: HashMap<i32, Option<OsString>>,
    writers: Writers,
}

impl Notices {
    /// Asks for notices of this folder.
    pub(super) fn of(incoming: PathBuf) -> Self {
        let source = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .inspect_err(
                |error| info!(event = "no_notices", cause = %error, "The system tells nothing of incoming/: it is polled"),
            )
            .ok();
        let mut notices = Self { incoming, source, folders: HashMap::new(), writers: Writers::default() };
        notices.watch(None);
        notices
    }

    /// Asks for notices of these folders in it, too.
    pub(super) fn follow(&mut self, folders: &[OsString]) {
        for folder in folders.iter().take(MAX_FOLDERS) {
            // Asked for again, it only gets its present name.
            self.watch(Some(folder));
        }
    }

    fn watch(&mut self, folder: Option<&OsString>) {
        let Some(source) = &self.source else { return };
        let path = folder.map_or_else(|| self.incoming.clone(), |folder| self.incoming.join(folder));
        let events = WatchFlags::CREATE
            | WatchFlags::OPEN
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        match inotify::add_watch(source, &path, events) {
            Ok(number) => {
                self.folders.insert(number, folder.cloned());
            }
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) if folder.is_none() => {
                info!(event = "no_notices", cause = %error, "The system tells nothing of incoming/: it is polled");
            }
            // The folder is looked at all the same.
            Err(_) => {}
        }
    }

    /// Takes in what was told since: one system call when that is nothing. Whether it is worth a look.
    pub(super) fn take_in(&mut self) -> bool {
        let Some(source) = &self.source else { return false };
        let mut is_news = false;
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = Reader::new(source, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return is_news,
                Err(error) => {
                    warn!(event = "no_notices", cause = %error, "Notices of incoming/ cannot be read: it is polled");
                    self.source = None;
                    self.writers.forget();
                    return true;
                }
            };
            let (flags, cookie) = (event.events(), event.cookie());
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                self.writers.forget();
                is_news = true;
            } else if flags.contains(ReadFlags::IGNORED) {
                self.folders.remove(&event.wd());
            } else if let (Some(folder), Some(name)) = (self.folders.get(&event.wd()), event.file_name()) {
                let name = OsStr::from_bytes(name.to_bytes());
                if flags.contains(ReadFlags::ISDIR) {
                    is_news |= flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) && !is_job(name);
                } else if let Some(notice) = notice(flags, cookie) {
                    is_news |= self.writers.note(Place::new(folder.clone(), name.to_owned()), notice);
                }
            }
        }
    }

    /// Whether somebody has this file open to write to.
    pub(super) fn has_writer(&self, place: &Place) -> bool {
        self.writers.has_open(place)
    }
}

/// Jobs come and go by the server's own doing.
fn is_job(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.parse::<JobId>().is_ok())
}

fn notice(flags: ReadFlags, cookie: u32) -> Option<Notice> {
    let kinds = [
        (ReadFlags::CREATE, Notice::Created),
        (ReadFlags::OPEN, Notice::Opened),
        (ReadFlags::MODIFY, Notice::Written),
        (ReadFlags::CLOSE_WRITE, Notice::ClosedByWriter),
        (ReadFlags::CLOSE_NOWRITE, Notice::ClosedByReader),
        (ReadFlags::MOVED_FROM, Notice::MovedAway(cookie)),
        (ReadFlags::MOVED_TO, Notice::MovedHere(cookie)),
        (ReadFlags::DELETE, Notice::Removed),
    ];
    kinds.into_iter().find(|(flag, _)| flags.contains(*flag)).map(|(_, notice)| notice)
}
