//! Finds the boxes of an MP4 file, as the demuxer does, and notes which of them it shall not see.
//!
//! Reads heads only. Where a box makes no sense, the demuxer stops, and so does this.

use std::io::{Read, Seek};

use super::super::bytes::read_at;
use super::super::file_section::Rename;

/// A box that the demuxer passes over.
const PASSED_OVER: [u8; 4] = *b"free";

/// Maximum number of boxes to rename, and maximum number of boxes in a box.
const MAX_RENAMES: usize = 1 << 17;
const MAX_CHILDREN: usize = 4_096;

/// Memory of the demuxer for all tables, in bytes: 48 hours of AAC at 48 kHz as one piece, 5 hours in fragments of a second. Each
/// thread that opens a file keeps some of it.
const MAX_TABLES: u64 = 32 << 20;

/// Why the boxes of a file are not looked at any further.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum BoxesError {
    #[error("its tables are larger than any recording needs")]
    TooLarge,
    #[error(transparent)]
    Read(#[from] std::io::Error),
}

/// A box: its type, and where its head, its content and it itself begin and end.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoxAt {
    pub(super) kind: [u8; 4],
    pub(super) at: u64,
    pub(super) body: u64,
    pub(super) end: u64,
    /// True if it claims to reach to the end of the file.
    pub(super) is_open: bool,
}

impl BoxAt {
    pub(super) fn size(&self) -> u64 {
        self.end - self.at
    }
}

/// The file, what the demuxer shall not see of it, and how much memory its tables may still take.
pub(super) struct Boxes<'a, F> {
    file: &'a mut F,
    pub(super) renames: Vec<Rename>,
    memory_left: u64,
}

impl<'a, F: Read + Seek> Boxes<'a, F> {
    pub(super) fn new(file: &'a mut F) -> Self {
        Self { file, renames: Vec::new(), memory_left: MAX_TABLES }
    }

    /// The box at an offset, within a parent that ends at `limit`; `None` where there is none that makes sense.
    pub(super) fn at(&mut self, at: u64, limit: u64) -> Result<Option<BoxAt>, BoxesError> {
        if limit.saturating_sub(at) < 8 {
            return Ok(None);
        }
        let head = read_at(self.file, at, 16)?;
        let Some((size, kind)) = head.first_chunk::<8>().map(|head| head.split_at(4)) else { return Ok(None) };
        let (Ok(size), Ok(kind)) = (size.try_into().map(u32::from_be_bytes), kind.try_into()) else { return Ok(None) };
        let long = head.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
        let (header, size) = match (size, long) {
            (0, _) => (8, limit - at),
            (1, Some(long)) => (16, long),
            (1, None) => return Ok(None),
            (size, _) => (8, u64::from(size)),
        };
        let end = at.checked_add(size).filter(|end| size >= header && *end <= limit);
        let is_open = head.starts_with(&[0; 4]);
        Ok(end.map(|end| BoxAt { kind, at, body: at + header, end, is_open }))
    }

    /// The boxes in a box from an offset on. Of each kind only the first is kept, unless there may be several of it.
    pub(super) fn children(&mut self, from: u64, end: u64, several: [u8; 4]) -> Result<Vec<BoxAt>, BoxesError> {
        let mut found: Vec<BoxAt> = Vec::new();
        let mut at = from;
        while let Some(child) = self.at(at, end)?.filter(|child| !child.is_open) {
            at = child.end;
            if child.kind == PASSED_OVER {
                continue;
            }
            if child.kind != several && found.iter().any(|other| other.kind == child.kind) {
                self.hide(&child)?;
            } else if found.len() < MAX_CHILDREN {
                found.push(child);
            } else {
                return Err(BoxesError::TooLarge);
            }
        }
        Ok(found)
    }

    /// The first boxes of each kind in a box.
    pub(super) fn inside(&mut self, parent: &BoxAt) -> Result<Vec<BoxAt>, BoxesError> {
        self.children(parent.body, parent.end, [0; 4])
    }

    /// The first bytes of a box's content, up to `count`.
    pub(super) fn content(&mut self, of: &BoxAt, count: u64) -> Result<Vec<u8>, BoxesError> {
        self.bytes(of.body, (of.end - of.body).min(count) as usize)
    }

    /// Up to `count` bytes of the file.
    pub(super) fn bytes(&mut self, at: u64, count: usize) -> Result<Vec<u8>, BoxesError> {
        Ok(read_at(self.file, at, count)?)
    }

    /// Keeps a box from the demuxer.
    pub(super) fn hide(&mut self, what: &BoxAt) -> Result<(), BoxesError> {
        if self.renames.len() >= MAX_RENAMES {
            return Err(BoxesError::TooLarge);
        }
        self.renames.push((what.at + 4, PASSED_OVER));
        Ok(())
    }

    /// Takes the memory that the demuxer needs for something.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), BoxesError> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(BoxesError::TooLarge)?;
        Ok(())
    }
}

/// The box of a kind.
pub(super) fn of_kind(boxes: &[BoxAt], kind: [u8; 4]) -> Option<BoxAt> {
    boxes.iter().find(|found| found.kind == kind).copied()
}

/// A 32-bit number in a content.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
