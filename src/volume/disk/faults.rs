//! Fault injection for tests: one operation fails, the file system is full from there on, or the server dies there.
//!
//! The operations of one volume are numbered, those that change something and those that read apart, and they follow each
//! other: what the disk holds when a server "dies" at a number is exactly what a killed process would have left there. From then
//! on every operation of that volume fails, and its locks are free, as those of a dead process are.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::operation::Operation;

/// The fault at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails as a broken disk fails (`EIO`), and the next one works again.
    Broken,
    /// It fails as a full disk does (`ENOSPC`), a write after half of it, and the next one works again.
    Full,
    /// The same, and the next [`FULL_FOR`] operations that need room as well.
    FullForAWhile,
    /// The server dies before it is done.
    DiesBefore,
    /// The server dies half-way through it: half a write, half a removal.
    DiesWithin,
    /// The server dies after the operation and before its result is used.
    DiesAfter,
}

/// Number of further operations that fail on a disk that is temporarily full: more than any single attempt needs.
pub const FULL_FOR: usize = 15;

/// The operations that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Operations that change the disk.
    Changes,
    /// Operations that only read.
    Reads,
}

impl Counted {
    const fn counts(self, operation: Operation) -> bool {
        let is_read = matches!(operation, Operation::Read);
        match self {
            Self::Changes => !is_read,
            Self::Reads => is_read,
        }
    }
}

/// The faults of one volume, as a test controls them.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    counted: Counted,
    /// The number of the operation, from 1 on, and what happens there; none only counts.
    plan: Option<(usize, Fault)>,
    count: usize,
    /// The operation and path that it struck.
    struck: Option<(Operation, PathBuf)>,
    /// Number of operations that need room and will still fail.
    full_for: usize,
    dead: CancellationToken,
    locks: Vec<File>,
}

impl Faults {
    /// Counts operations and lets none fail.
    pub fn none(counted: Counted) -> Self {
        Self::planned(counted, None)
    }

    /// Makes the operation with this number, counted from 1, fail.
    pub fn at(counted: Counted, number: usize, fault: Fault) -> Self {
        Self::planned(counted, Some((number, fault)))
    }

    fn planned(counted: Counted, plan: Option<(usize, Fault)>) -> Self {
        let state =
            State { counted, plan, count: 0, struck: None, full_for: 0, dead: CancellationToken::new(), locks: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of operations so far.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// The operation that failed; none if it has not been reached.
    pub fn struck(&self) -> Option<(Operation, PathBuf)> {
        self.lock().struck.clone()
    }

    /// Raised when the server counts as dead.
    pub fn dead(&self) -> CancellationToken {
        self.lock().dead.clone()
    }

    /// The server dies now.
    pub fn die(&self) {
        self.lock().die();
    }

    pub(super) fn release_when_stopped(&self, lock: File) {
        self.lock().locks.push(lock);
    }

    /// Operations follow each other, so that none is still under way when the server dies.
    pub(super) fn act<T>(
        &self,
        operation: Operation,
        path: &Path,
        part: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.lock();
        if state.dead.is_cancelled() {
            return Err(broken());
        }
        if state.counted.counts(operation) {
            state.count += 1;
        }
        let due = state.plan.filter(|(number, _)| state.counted.counts(operation) && *number == state.count);
        let Some((_, fault)) = due else {
            if state.full_for == 0 || !needs_room(operation) {
                return whole();
            }
            state.full_for -= 1;
            return part().and(Err(full()));
        };
        state.struck = Some((operation, path.to_path_buf()));
        match fault {
            Fault::Broken => Err(broken()),
            Fault::Full if needs_room(operation) => part().and(Err(full())),
            Fault::Full => whole(),
            Fault::FullForAWhile => {
                state.full_for = FULL_FOR;
                if needs_room(operation) { part().and(Err(full())) } else { whole() }
            }
            Fault::DiesBefore => {
                state.die();
                Err(broken())
            }
            Fault::DiesWithin => {
                let begun = part();
                state.die();
                begun.and(Err(broken()))
            }
            Fault::DiesAfter => {
                // The result is never used, so an error does not matter.
                let _done = whole();
                state.die();
                Err(broken())
            }
        }
    }
}

impl State {
    fn die(&mut self) {
        self.dead.cancel();
        for lock in self.locks.drain(..) {
            // If unlocking fails, the test sees that the next server does not start.
            let _free = lock.unlock();
        }
    }
}

/// Whether the operation fails on a full disk. Flushing does: some disks notice only then.
const fn needs_room(operation: Operation) -> bool {
    match operation {
        Operation::CreateFolder | Operation::Create | Operation::Write | Operation::Sync => true,
        Operation::Rename | Operation::Remove | Operation::RemoveFolder | Operation::Read => false,
    }
}

fn broken() -> io::Error {
    rustix::io::Errno::IO.into()
}

fn full() -> io::Error {
    rustix::io::Errno::NOSPC.into()
}
