//! A table of feature frames: rows of equal width, appended in order and read in any order.
//!
//! It is kept where its signal is kept: in memory for a short recording, in a scratch file for a long one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::audio::SignalError;
use crate::scratch::{Scratch, ScratchFile};

const VALUE_BYTES: usize = size_of::<f32>();
/// Values buffered before each write to the file: 64 KB.
const BUFFERED_VALUES: usize = 1 << 14;

/// The finished, read-only table; clones share the data.
#[derive(Clone)]
pub(super) struct FrameTable {
    width: usize,
    rows: usize,
    backing: Backing,
}

#[derive(Clone)]
enum Backing {
    Memory(Arc<Vec<f32>>),
    File(Arc<dyn ScratchFile>),
}

/// Builds a table row by row.
pub(super) struct FrameTableWriter {
    width: usize,
    values: usize,
    buffer: Vec<f32>,
    file: Option<Box<dyn ScratchFile>>,
}

impl FrameTableWriter {
    /// Starts a table whose rows have `width` values; it stays in memory if there is no scratch space.
    pub(super) fn new(width: usize, scratch: &Scratch) -> Result<Self, SignalError> {
        Ok(Self { width, values: 0, buffer: Vec::new(), file: scratch.create()? })
    }

    /// Appends a row of `width` values.
    pub(super) fn push(&mut self, row: &[f32]) -> Result<(), SignalError> {
        self.values += row.len();
        self.buffer.extend_from_slice(row);
        if self.buffer.len() >= BUFFERED_VALUES { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<FrameTable, SignalError> {
        self.flush()?;
        let rows = self.values / self.width.max(1);
        let backing = match self.file {
            Some(file) => Backing::File(file.into()),
            None => Backing::Memory(Arc::new(self.buffer)),
        };
        Ok(FrameTable { width: self.width, rows, backing })
    }

    fn flush(&mut self) -> Result<(), SignalError> {
        if let Some(file) = &self.file {
            let bytes: Vec<u8> = self.buffer.iter().flat_map(|value| value.to_le_bytes()).collect();
            file.append(&bytes)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl FrameTable {
    /// Number of rows in the table.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Appends the values of the given rows to `values`; rows beyond the end are skipped. Runs of consecutive rows are
    /// read at once.
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

impl fmt::Debug for FrameTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FrameTable({} of {} values)", self.rows, self.width)
    }
}
