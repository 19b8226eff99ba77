//! How far an import is.
//!
//! Counts bytes and reports whole percents; what is done with them, for example on a terminal, is up to the caller.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};

/// One report: what is being done, and how much of it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, as a phrase such as `checking model.bin`.
    pub step: String,
    /// From 0 to 100.
    pub percent: u8,
}

/// Counts the bytes of one step after the other.
pub(super) struct Meter<'a> {
    report: RefCell<&'a mut dyn FnMut(Progress)>,
    step: RefCell<String>,
    total: Cell<u64>,
    done: Cell<u64>,
    percent: Cell<u8>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(report: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            report: RefCell::new(report),
            step: RefCell::default(),
            total: Cell::new(0),
            done: Cell::new(0),
            percent: Cell::new(100),
        }
    }

    /// Begins a step that handles `total` bytes.
    pub(super) fn begin(&self, step: String, total: u64) {
        self.step.replace(step);
        self.total.set(total);
        self.done.set(0);
        self.tell(0);
    }

    /// Adds bytes to the current step.
    pub(super) fn add(&self, bytes: u64) {
        let done = self.done.get().saturating_add(bytes).min(self.total.get());
        self.done.set(done);
        let percent = (u128::from(done) * 100).checked_div(u128::from(self.total.get())).unwrap_or(100) as u8;
        if percent != self.percent.get() {
            self.tell(percent);
        }
    }

    fn tell(&self, percent: u8) {
        self.percent.set(percent);
        (self.report.borrow_mut())(Progress { step: self.step.borrow().clone(), percent });
    }
}

/// A reader whose bytes are counted.
pub(super) struct Metered<'m, 'r, R> {
    pub(super) source: R,
    pub(super) meter: &'m Meter<'r>,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.meter.add(count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<'_, '_, R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.source.seek(position)
    }
}
