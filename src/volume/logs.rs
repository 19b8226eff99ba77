//! The log files in `logs/`: one is written, and renamed to the time of its end when it is large or old enough; the oldest are
//! removed when all of them together would take too much room.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Volume;
use super::disk::{Disk, Entry};
use crate::clock::{self, Clock};

/// The file that is written now.
const CURRENT: &str = "callannotate.log";
/// Readable by the group of the server, whatever the umask is: lines hold the times and ids of calls.
const MODE: u32 = 0o640;
/// Start and end of the names of the others; the time stands between, so that names sort by time.
const PREFIX: &str = "callannotate-";
const SUFFIX: &str = ".log";

/// Limits of size and age of the log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Size of one file; a single line that is longer gets a file of its own.
    pub file_bytes: u64,
    /// Time from the first line of a file to its last.
    pub file_age: Duration,
    /// Size of all files together.
    pub total_bytes: u64,
}

/// Writes whole lines to the log files.
pub struct LogFiles {
    disk: Disk,
    folder: PathBuf,
    limits: LogLimits,
    clock: Clock,
    open: Option<Open>,
}

struct Open {
    file: File,
    size: u64,
    since: DateTime<Utc>,
}

impl Volume {
    /// The log files in `logs/`. No file is created before the first line.
    pub fn log_files(&self, limits: LogLimits, clock: Clock) -> LogFiles {
        let files = LogFiles { disk: self.disk().clone(), folder: self.path().join("logs"), limits, clock, open: None };
        files.narrow();
        files
    }
}

impl LogFiles {
    /// Gives the files of older versions the mode of new ones; what belongs to another user stays as it is.
    fn narrow(&self) {
        for (path, _) in self.aside().unwrap_or_default() {
            let _not_ours = self.disk.open(&path).and_then(|file| self.disk.set_mode(&file, &path, MODE));
        }
    }

    fn current(&self) -> PathBuf {
        self.folder.join(CURRENT)
    }

    /// Opens the file to write to: an existing one is continued.
    fn open(&self) -> io::Result<Open> {
        let path = self.current();
        let now = self.clock.now();
        let mut file = match self.disk.open_to_append(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.create_to_append(&path)?,
            opened => opened?,
        };
        self.disk.set_mode(&file, &path, MODE)?;
        let meta = file.metadata()?;
        let since = meta.created().map_or(now, clock::at);
        let mut size = meta.len();
        if size > 0 && !ends_a_line(&mut file)? {
            // A server that died left half a line.
            self.disk.write(&file, &path, b"\n")?;
            size += 1;
        }
        Ok(Open { file, size, since })
    }

    /// How many bytes of these lines the current file still takes; none when it is to be rotated.
    fn share(&self, open: &Open, lines: &[u8]) -> Option<usize> {
        let age = (self.clock.now() - open.since).to_std().unwrap_or_default();
        if open.size > 0 && age >= self.limits.file_age {
            return None;
        }
        let room = usize::try_from(self.limits.file_bytes.saturating_sub(open.size)).unwrap_or(usize::MAX);
        let end_of = |line: Option<usize>| line.map(|at| at + 1);
        if lines.len() <= room {
            Some(lines.len())
        } else if let Some(fits) = end_of(lines[..room].iter().rposition(|byte| *byte == b'\n')) {
            Some(fits)
        } else if open.size > 0 {
            None
        } else {
            // A line that no file has room for.
            end_of(lines.iter().position(|byte| *byte == b'\n')).or(Some(lines.len()))
        }
    }

    /// Renames the current file, and removes the oldest until there is room for a whole new one.
    fn rotate(&mut self) -> io::Result<()> {
        let stamp = self.clock.now().format("%Y%m%dT%H%M%S%.3fZ");
        let mut number = 0;
        let aside = loop {
            // Several may end within one millisecond; the order of names is still that of time.
            let path = self.folder.join(format!("{PREFIX}{stamp}-{number:06}{SUFFIX}"));
            if !self.disk.exists(&path)? {
                break path;
            }
            number += 1;
        };
        self.disk.rename(&self.current(), &aside)?;
        self.prune()
    }

    /// The files that were set aside with their sizes, the oldest first.
    fn aside(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut aside = Vec::new();
        for entry in self.disk.entries(&self.folder)? {
            let entry = entry?;
            let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
            if is_ours {
                aside.push((entry.path(), self.disk.facts(&entry.path())?.size()));
            }
        }
        aside.sort();
        Ok(aside)
    }

    fn prune(&self) -> io::Result<()> {
        let aside = self.aside()?;
        let mut total: u64 = aside.iter().map(|(_, size)| size).sum();
        for (path, size) in aside {
            if total + self.limits.file_bytes <= self.limits.total_bytes {
                break;
            }
            self.disk.remove_file(&path)?;
            total -= size;
        }
        Ok(())
    }

    fn write_lines(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.open()?,
            };
            let Some(share) = self.share(&open, lines) else {
                self.rotate()?;
                continue;
            };
            let (now, later) = lines.split_at(share);
            self.disk.write(&open.file, &self.current(), now)?;
            open.size += now.len() as u64;
            self.open = Some(open);
            lines = later;
        }
        Ok(())
    }
}

impl Write for LogFiles {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.write_lines(lines)?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

impl Volume {
    /// Size of all files in the log folder.
    pub fn log_bytes(&self) -> u64 {
        let folder: &Path = &self.path().join("logs");
        let size = |entry: io::Result<Entry>| self.disk().facts(&entry.ok()?.path()).ok().map(|facts| facts.size());
        self.disk().entries(folder).map_or(0, |entries| entries.filter_map(size).sum())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use tempfile::TempDir;

    use super::*;

    const LIMITS: LogLimits = LogLimits { file_bytes: 20, file_age: Duration::from_secs(100), total_bytes: 60 };

    struct Logs {
        folder: TempDir,
        seconds: Arc<AtomicI64>,
        files: LogFiles,
    }

    fn logs(limits: LogLimits) -> Logs {
        let folder = TempDir::new().unwrap();
        let seconds = Arc::new(AtomicI64::new(Clock::system().now().timestamp()));
        let theirs = Arc::clone(&seconds);
        let clock = Clock::from_fn(move || DateTime::from_timestamp(theirs.load(Ordering::Relaxed), 0).unwrap());
        let files = Volume::open(folder.path()).unwrap().log_files(limits, clock);
        Logs { folder, seconds, files }
    }

    impl Logs {
        fn contents(&self) -> Vec<String> {
            let path = self.folder.path().join("logs");
            // The current one has the name that comes last.
            let read = |entry: io::Result<std::fs::DirEntry>| entry.map(|entry| (entry.file_name(), entry.path()));
            let found: BTreeMap<_, _> = std::fs::read_dir(path).unwrap().map(|entry| read(entry).unwrap()).collect();
            found.into_values().map(|path| std::fs::read_to_string(path).unwrap()).collect()
        }

        fn write(&mut self, text: &str) {
            self.files.write_all(text.as_bytes()).unwrap();
        }
    }

    #[test]
    fn files_hold_whole_lines_and_the_oldest_go() {
        let mut logs = logs(LIMITS);
        for number in 0..9 {
            logs.seconds.fetch_add(1, Ordering::Relaxed);
            logs.write(&format!("line {number}\nsecond\n"));
        }
        // 14 bytes a time: one in each file. 60 bytes hold two beside a whole new one.
        assert_eq!(logs.contents(), ["line 6\nsecond\n", "line 7\nsecond\n", "line 8\nsecond\n"]);
        logs.write("six\nmany lines at once\nof which\nsome fit\n");
        assert_eq!(logs.contents().last().unwrap(), "of which\nsome fit\n");
    }

    #[test]
    fn a_line_that_is_too_long_has_a_file_of_its_own() {
        let mut logs = logs(LogLimits { total_bytes: 1000, ..LIMITS });
        logs.write("short\n");
        logs.write("a line that is longer than any file may be\nnext\n");
        assert_eq!(logs.contents(), ["short\n", "a line that is longer than any file may be\n", "next\n"]);
    }

    #[test]
    fn an_old_file_is_set_aside_and_a_young_one_goes_on_after_a_restart() {
        let mut logs = logs(LIMITS);
        logs.write("one\n");
        logs.write("torn");
        logs.files.open = None;
        logs.write("two\n");
        assert_eq!(logs.contents(), ["one\ntorn\ntwo\n"]);
        logs.seconds.fetch_add(200, Ordering::Relaxed);
        logs.write("later\n");
        assert_eq!(logs.contents(), ["one\ntorn\ntwo\n", "later\n"]);
    }
}
