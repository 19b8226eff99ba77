//! Writes the log to standard output on a thread of its own, all pending lines at once.
//!
//! Every request logs a line, and a system call for each would cost a tenth of the request; waking a thread for each line would
//! cost as much. So the writer collects lines for 10 ms before it writes them, and sleeps while there are none.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long lines are collected before they are written.
const GATHERING: Duration = Duration::from_millis(10);
/// Limit of pending bytes. Beyond it, logging blocks, so that no line is lost when the reader of the log is slow.
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// The queue of pending lines. Clones share it.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// A second destination of the log besides standard output; gets whole lines.
type Further = Box<dyn Write + Send>;

struct Shared {
    waiting: Mutex<Waiting>,
    further: Mutex<Option<Further>>,
    /// Signalled when lines arrive, and at the end.
    arrived: Condvar,
    /// Signalled when pending lines were taken, so that there is room.
    taken: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    ended: bool,
}

/// Writes all pending lines when it is dropped.
pub struct LogGuard {
    lines: Lines,
    writer: Option<JoinHandle<()>>,
}

impl Lines {
    /// Starts the thread that writes the lines to `output`.
    pub(super) fn to(mut output: impl Write + Send + 'static) -> (Self, LogGuard) {
        let shared =
            Shared { waiting: Mutex::default(), further: Mutex::default(), arrived: Condvar::new(), taken: Condvar::new() };
        let lines = Self(Arc::new(shared));
        let theirs = lines.clone();
        let writer = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            let mut is_failing = false;
            while let Some(bytes) = theirs.take() {
                // When standard output is closed there is no place to report it.
                let _gone = output.write_all(&bytes).and_then(|()| output.flush());
                match theirs.write_further(&bytes) {
                    Ok(()) => is_failing = false,
                    Err(error) => {
                        // Logged once; this line most likely cannot be written to the file either.
                        if !std::mem::replace(&mut is_failing, true) {
                            tracing::warn!(event = "log_file_failed", cause = %error, "The log file cannot be written");
                        }
                    }
                }
            }
        });
        // Without the thread nothing is written; `ended` keeps `write` from blocking.
        let writer = writer.ok();
        if writer.is_none() {
            lines.lock().ended = true;
        }
        (lines.clone(), LogGuard { lines, writer })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_further(&self, bytes: &[u8]) -> io::Result<()> {
        match &mut *self.0.further.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(further) => further.write_all(bytes),
            None => Ok(()),
        }
    }

    /// The next lines to write; none at the end of the log.
    fn take(&self) -> Option<Vec<u8>> {
        let waiting = self.0.arrived.wait_while(self.lock(), |waiting| waiting.bytes.is_empty() && !waiting.ended);
        let ended = waiting.unwrap_or_else(PoisonError::into_inner).ended;
        if !ended {
            std::thread::sleep(GATHERING);
        }
        let bytes = std::mem::take(&mut self.lock().bytes);
        self.0.taken.notify_all();
        (!bytes.is_empty() || !ended).then_some(bytes)
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_full = |waiting: &mut Waiting| waiting.bytes.len() >= WAITING_BYTES && !waiting.ended;
        let mut waiting = self.0.taken.wait_while(self.lock(), is_full).unwrap_or_else(PoisonError::into_inner);
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.0.arrived.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogGuard {
    /// Writes the lines to a second destination as well from now on.
    pub fn also_to(&self, further: impl Write + Send + 'static) {
        *self.lines.0.further.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(further));
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.lines.lock().ended = true;
        self.lines.0.arrived.notify_one();
        self.lines.0.taken.notify_all();
        if let Some(writer) = self.writer.take() {
            // The thread ends when everything is written; a panic in it has been reported already.
            let _ended = writer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_in_order_before_the_guard_is_gone() {
        let kept = Kept::default();
        let (mut lines, guard) = Lines::to(kept.clone());
        let expected: Vec<u8> = (0..10_000u32).flat_map(u32::to_le_bytes).collect();
        for line in expected.chunks(4) {
            lines.write_all(line).unwrap();
        }
        drop(guard);
        assert!(*kept.0.lock().unwrap() == expected);
    }

    #[test]
    fn more_than_may_wait_is_written_all_the_same() {
        let kept = Kept::default();
        let (mut lines, guard) = Lines::to(kept.clone());
        let line = vec![b'x'; WAITING_BYTES / 3];
        for _ in 0..10 {
            lines.write_all(&line).unwrap();
        }
        drop(guard);
        assert_eq!(kept.0.lock().unwrap().len(), 10 * line.len());
    }
}
