//! Notifications of changes in the watched folder (`inotify`): when a look is worth it, and which files are still open for
//! writing. Bind mounts of other machines and network mounts send none, so the folder is polled as well; where there are no
//! notifications at all, this module is silent.

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

/// Folders of `incoming/` that are subscribed to at most; the system has a limit for all programs together. The others are
/// only polled.
const MAX_FOLDERS: usize = 1024;
/// Bytes that one call reads: some 15 notifications with the longest names, or a hundred with usual ones.
const BUFFER_BYTES: usize = 4096;

/// The subscription, where the system offers one.
pub(super) struct Notices {
    incoming: PathBuf,
    source: Option<OwnedFd>,
    /// The folders by their watch descriptors; `None` is `incoming/` itself.
    folders: HashMap<i32, Option<OsString>>,
    writers: Writers,
}

impl Notices {
    /// Subscribes to changes in this folder.
    pub(super) fn of(incoming: PathBuf) -> Self {
        let source = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .inspect_err(
                |error| info!(event = "no_notices", cause = %error, "The system sends no notifications for incoming/: it is polled"),
            )
            .ok();
        let mut notices = Self { incoming, source, folders: HashMap::new(), writers: Writers::default() };
        notices.watch(None);
        notices
    }

    /// Subscribes to changes in these folders of it as well.
    pub(super) fn follow(&mut self, folders: &[OsString]) {
        for folder in folders.iter().take(MAX_FOLDERS) {
            // A folder that is subscribed to already only gets its present name.
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
                info!(event = "no_notices", cause = %error, "The system sends no notifications for incoming/: it is polled");
            }
            // The folder is polled even without notifications.
            Err(_) => {}
        }
    }

    /// Reads the notifications since the last call: one system call if there are none. Returns whether the folder should be
    /// polled.
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
                    warn!(event = "no_notices", cause = %error, "Notifications for incoming/ cannot be read: it is polled");
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

    /// Whether a program is known to have this file open for writing.
    pub(super) fn has_writer(&self, place: &Place) -> bool {
        self.writers.has_open(place)
    }
}

/// Whether a folder is that of a job, which the server itself moves.
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
