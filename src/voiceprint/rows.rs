//! A table of frames that may be longer than memory: rows of equal width, written in order and read anywhere.
//!
//! Lies where its signal lies: in memory for a short one, in a scratch file for a long one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::audio::SignalError;
use crate::scratch::{Scratch, ScratchFile};

const VALUE_BYTES: usize = size_of::<f32>();
/// Values that wait before they are written: 64 KB.
const WAITING: usize = 1 << 14;

/// The finished table; clones are the same.
#[derive(Clone)]
pub(super) struct Rows {
    width: usize,
    rows: usize,
    backing: Backing,
}

#[derive(Clone)]
enum Backing {
    Memory(Arc<Vec<f32>>),
    File(Arc<dyn ScratchFile>),
}

/// The table while it is written.
pub(super) struct RowsWriter {
    width: usize,
    values: usize,
    waiting: Vec<f32>,
    file: Option<Box<dyn ScratchFile>>,
}

impl RowsWriter {
    /// Rows of so many values; in memory where there is no place beside it.
    pub(super) fn new(width: usize, scratch: &Scratch) -> Result<Self, SignalError> {
        Ok(Self { width, values: 0, waiting: Vec::new(), file: scratch.create()? })
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &[f32]) -> Result<(), SignalError> {
        self.values += row.len();
        self.waiting.extend_from_slice(row);
        if self.waiting.len() >= WAITING { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<Rows, SignalError> {
        self.flush()?;
        let rows = self.values / self.width.max(1);
        let backing = match self.file {
            Some(file) => Backing::File(file.into()),
            None => Backing::Memory(Arc::new(self.waiting)),
        };
        Ok(Rows { width: self.width, rows, backing })
    }

    fn flush(&mut self) -> Result<(), SignalError> {
        if let Some(file) = &self.file {
            let bytes: Vec<u8> = self.waiting.iter().flat_map(|value| value.to_le_bytes()).collect();
            file.append(&bytes)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

impl Rows {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Adds the values of these rows to `values`. Rows that follow each other are read at once; one that is not there has none.
    pub(super) fn gather(&self, rows: &[usize], values: &mut Vec<f32>) -> Result<(), SignalError> {
        values.reserve(rows.len() * self.width);
        for run in rows.chunk_by(|one, next| *next == one + 1) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                self.read((*first).min(self.rows)..(last + 1).min(self.rows), values)?;
            }
        }
        Ok(())
    }

    fn read(&self, rows: Range<usize>, values: &mut Vec<f32>) -> Result<(), SignalError> {
        match &self.backing {
            Backing::Memory(all) => {
                values.extend_from_slice(all.get(rows.start * self.width..rows.end * self.width).unwrap_or_default());
            }
            Backing::File(file) => {
                let mut bytes = vec![0; rows.len() * self.width * VALUE_BYTES];
                file.read_at((rows.start * self.width * VALUE_BYTES) as u64, &mut bytes)?;
                let (numbers, _rest) = bytes.as_chunks::<VALUE_BYTES>();
                values.extend(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rows({} of {} values)", self.rows, self.width)
    }
}
