//! `checkpoints.log` in the folder of a running job: its intermediate results, one per line.
//!
//! Each line is the CRC-32 of its text in hexadecimal, a space, and the text. The first one is a fingerprint of everything that
//! the content depends on; under another fingerprint the file is not used. Lines are appended and flushed one by one, so a crash
//! can truncate only the last one: a line that does not match its CRC, and all lines behind it, are dropped.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use super::disk::Disk;
use super::{Folder, Volume, record};
use crate::jobs::JobId;

/// Size of the file at most: 24 hours of speech on two channels. A window of 22 s takes about two thousand bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Version of the lines and their content; another one invalidates older files.
const FORMAT: &str = "callannotate checkpoints 1";

/// The open file; created with the first checkpoint.
#[derive(Debug)]
pub struct CheckpointFile {
    disk: Disk,
    path: PathBuf,
    header: String,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: Option<File>,
    length: u64,
}

impl Volume {
    /// The checkpoints of a job in `processing/` that were made under this fingerprint, in order, and the file for further
    /// ones. What was made under another one is thrown away.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn open_checkpoints(&self, id: JobId, fingerprint: &str) -> io::Result<(CheckpointFile, Vec<Vec<u8>>)> {
        let path = self.job_folder(Folder::Processing, id).join(record::CHECKPOINT_FILE);
        let header = format!("{FORMAT} {fingerprint}");
        let (open, pieces) = match self.disk().open_to_append(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Open { file: None, length: 0 }, Vec::new()),
            Err(error) => return Err(error),
            Ok(mut file) => {
                let (mut pieces, length) = read(&mut file, &header)?;
                if file.metadata()?.len() > length {
                    self.disk().cut(&file, &path, length)?;
                }
                if length == 0 {
                    info!(event = "checkpoints_discarded", "A job's checkpoints are of other models, settings or versions");
                    pieces.clear();
                }
                (Open { file: (length > 0).then_some(file), length }, pieces)
            }
        };
        Ok((CheckpointFile { disk: self.disk().clone(), path, header, open: Mutex::new(open) }, pieces))
    }
}

impl CheckpointFile {
    /// Appends a piece, which must be one line, and flushes it to the disk.
    ///
    /// # Errors
    /// When the volume cannot be written to, or the file would be too large.
    pub fn append(&self, piece: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = open.file.is_none();
        let mut bytes = if is_new { line(self.header.as_bytes()) } else { Vec::new() };
        bytes.extend(line(piece));
        open.length += bytes.len() as u64;
        if open.length > MAX_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the checkpoints of one job would take too much room"));
        }
        if is_new {
            open.file = Some(self.disk.create_to_append(&self.path)?);
        }
        if let Some(file) = &open.file {
            self.disk.write(file, &self.path, &bytes)?;
            self.disk.sync(file, &self.path)?;
        }
        match self.path.parent() {
            Some(folder) if is_new => self.disk.sync_folder(folder),
            Some(_) | None => Ok(()),
        }
    }
}

fn line(text: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x} ", crc32fast::hash(text)).into_bytes();
    line.extend_from_slice(text);
    line.push(b'\n');
    line
}

/// The pieces of a file with this header, and how many bytes of it are good.
fn read(file: &mut File, header: &str) -> io::Result<(Vec<Vec<u8>>, u64)> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        warn!(event = "checkpoints_too_large", "A file of checkpoints is larger than any that is written");
        return Ok((Vec::new(), 0));
    }
    Ok(parse(&bytes, header))
}

pub(super) fn parse(bytes: &[u8], header: &str) -> (Vec<Vec<u8>>, u64) {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut good = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = text_of(line) else { break };
        if good == 0 {
            if text != header.as_bytes() {
                return (Vec::new(), 0);
            }
        } else {
            pieces.push(text.to_vec());
        }
        good += line.len() as u64;
    }
    (pieces, good)
}

/// The text of a line that is whole.
fn text_of(line: &[u8]) -> Option<&[u8]> {
    let (sum, rest) = line.split_at_checked(8)?;
    let text = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (sum == crc32fast::hash(text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(texts: &[&[u8]]) -> Vec<u8> {
        texts.iter().flat_map(|text| line(text)).collect()
    }

    #[test]
    fn a_torn_or_changed_tail_is_dropped_wherever_it_is() {
        let whole = file(&[b"head", b"one", b"two"]);
        assert_eq!(parse(&whole, "head"), (vec![b"one".to_vec(), b"two".to_vec()], whole.len() as u64));
        let first_two = file(&[b"head", b"one"]).len();
        for cut in first_two..whole.len() {
            assert_eq!(parse(&whole[..cut], "head"), (vec![b"one".to_vec()], first_two as u64), "cut at {cut}");
            let mut changed = whole.clone();
            changed[cut] ^= 1;
            assert_eq!(parse(&changed, "head"), (vec![b"one".to_vec()], first_two as u64), "changed at {cut}");
        }
    }

    #[test]
    fn under_another_fingerprint_nothing_counts() {
        assert_eq!(parse(&file(&[b"head", b"one"]), "other"), (Vec::new(), 0));
        assert_eq!(parse(b"", "head"), (Vec::new(), 0));
    }

    proptest! {
        #[test]
        fn whatever_lies_there_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (pieces, good) = parse(&bytes, "head");
            prop_assert!(pieces.is_empty() && good == 0);
        }
    }
}
