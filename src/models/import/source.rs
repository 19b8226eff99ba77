//! Identifies and opens the sources of an import.
//!
//! The content decides, not the name; only the parts of a model have nothing but their names. Each kind of model that can be
//! imported is a variant of [`Found`]; a new kind is another variant here, and another arm in the import.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::checkpoint::PICKLE;
use super::ctranslate2::WEIGHTS;
use super::error::{ImportError, printable};
use super::ge2e::Wheel;
use super::known;
use super::network::{Packed, Published};
use super::parts::{Parts, part_number};
use super::pieces::{Piece, Pieces, Place};
use super::progress::Meter;
use super::shared_file::SharedFile;

/// A model that was found in a source.
pub(super) enum Found {
    /// A Whisper model of faster-whisper.
    Whisper(Pieces),
    /// The voice encoder of Resemblyzer.
    Voice(Box<Wheel>),
    /// A PyTorch checkpoint.
    Checkpoint(Box<Packed>),
}

impl Found {
    /// All models in these wheels, zips, folders and files. Parts are put together, whichever of the sources they are in.
    pub(super) fn all(paths: &[PathBuf], meter: &Meter<'_>) -> Result<Vec<Self>, ImportError> {
        let mut parts = Parts::default();
        let mut found = Vec::new();
        for path in paths {
            let files = if path.is_dir() { weights_in(path)? } else { vec![path.clone()] };
            for file in files {
                found.extend(in_file(&file, &mut parts, meter)?);
            }
        }
        found.extend(parts.together()?.map(Self::Whisper));
        Ok(found)
    }
}

/// The models in a file; parts of one are added to `parts`.
fn in_file(path: &Path, parts: &mut Parts, meter: &Meter<'_>) -> Result<Vec<Found>, ImportError> {
    let mut file = SharedFile::open(path)?;
    let shown = path.display().to_string();
    // The link is not resolved: in a cache it points into a folder of blobs, and the companions are beside the link.
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    if let Some(number) = path.file_name().and_then(|name| part_number(&name.to_string_lossy())) {
        parts.add(number, Piece { place: Place::File { file, folder }, shown, version: None })?;
        return Ok(Vec::new());
    }
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head).and_then(|_| file.rewind()).map_err(ImportError::Read)?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        known::check_archive(path, &mut file, meter)?;
        return in_archive(path, file, parts, meter);
    }
    if head.starts_with(b"lmgg") {
        return Err(ImportError::AlreadyGgml { path: path.to_owned() });
    }
    if let Some(what) = other_format(&head) {
        return Err(ImportError::OtherFormat { path: path.to_owned(), what });
    }
    Ok(vec![Found::Whisper(Pieces::whole(Piece { place: Place::File { file, folder }, shown, version: None }))])
}

fn in_archive(path: &Path, file: SharedFile, parts: &mut Parts, meter: &Meter<'_>) -> Result<Vec<Found>, ImportError> {
    let archive = Archive::open(file.clone())?;
    if let Some(wheel) = Wheel::open(path, &archive, file.clone(), meter)? {
        return Ok(vec![Found::Voice(Box::new(wheel))]);
    }
    let no_model = |reason: String| ImportError::NoModel { path: path.to_owned(), reason };
    let twice = |first: &str, second: &str| {
        let (first, second) = (printable(first), printable(second));
        no_model(format!("there is more than one ({first}, {second}); unpack it and import one"))
    };
    let piece = |index: usize, name: &str, prefix: &str| Piece {
        place: Place::Entry { archive: archive.clone(), index, prefix: prefix.to_owned() },
        shown: format!("{} in {}", printable(name), path.display()),
        version: archive.package().map(|(_, version)| version.to_owned()),
    };
    let mut whole: Option<(&str, Piece)> = None;
    let mut checkpoints: Vec<(&str, usize, &Published)> = Vec::new();
    let mut has_parts = false;
    for (index, name) in archive.files() {
        let (prefix, base) = name.rfind('/').map_or(("", name), |slash| name.split_at(slash + 1));
        if base == WEIGHTS {
            if let Some((first, _)) = whole.replace((name, piece(index, name, prefix))) {
                return Err(twice(first, name));
            }
        } else if let Some(number) = part_number(base) {
            has_parts = true;
            parts.add(number, piece(index, name, prefix))?;
        } else if let Some(published) = Published::named(name) {
            if let Some((first, ..)) = checkpoints.iter().find(|(_, _, known)| std::ptr::eq(*known, published)) {
                return Err(twice(first, name));
            }
            checkpoints.push((name, index, published));
        }
    }
    let mut found: Vec<Found> = whole.into_iter().map(|(_, piece)| Found::Whisper(Pieces::whole(piece))).collect();
    found.extend(checkpoints.into_iter().map(|(_, index, published)| {
        let packed = Packed::Entry { archive: archive.clone(), index, published };
        Found::Checkpoint(Box::new(packed))
    }));
    if found.is_empty() && !has_parts {
        if archive.files().any(|(_, name)| name.ends_with(PICKLE)) {
            return Ok(vec![Found::Checkpoint(Box::new(Packed::File { path: path.to_owned(), file }))]);
        }
        return Err(no_model(format!("there is no {WEIGHTS} in it, and no other model that is known")));
    }
    Ok(found)
}

/// The weights in a model's folder, whole or in parts, or in a folder of a Hugging Face cache (`snapshots/<revision>/`).
fn weights_in(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let direct = folder.join(WEIGHTS);
    let no_model = |reason: String| ImportError::NoModel { path: folder.to_owned(), reason };
    let files = folder.read_dir().map_err(|source| ImportError::Open { path: folder.to_owned(), source })?.flatten();
    let is_part = |path: &PathBuf| path.file_name().is_some_and(|name| part_number(&name.to_string_lossy()).is_some());
    let mut parts: Vec<PathBuf> = files.map(|entry| entry.path()).filter(is_part).collect();
    if direct.is_file() {
        let both = || no_model(format!("there is a {WEIGHTS} in it and parts of one; give the file or the parts"));
        return if parts.is_empty() { Ok(vec![direct]) } else { Err(both()) };
    }
    if !parts.is_empty() {
        parts.sort();
        return Ok(parts);
    }
    let mut cached: Vec<PathBuf> = match folder.join("snapshots").read_dir() {
        Ok(entries) => entries.flatten().map(|entry| entry.path().join(WEIGHTS)).filter(|path| path.is_file()).collect(),
        Err(_) => Vec::new(),
    };
    match (cached.pop(), cached.is_empty()) {
        (Some(only), true) => Ok(vec![only]),
        (None, _) => Err(no_model(format!("there is no {WEIGHTS} in it"))),
        (Some(_), false) => Err(no_model("there are several snapshots; import one of them".to_owned())),
    }
}

/// Recognizes common formats of models that cannot be imported, so that the error can name them.
fn other_format(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if head.is_empty() {
        Some("an empty file")
    } else if starts(b"GGUF") {
        Some("a GGUF model")
    } else if head.first() == Some(&0x80) && matches!(head.get(1), Some(2..=5)) {
        Some("a Python pickle, which is never opened since it can run code")
    } else if head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]) {
        Some("a safetensors model")
    } else if starts(b"version https://git-lfs") {
        Some("a Git LFS pointer: the model itself has not been downloaded")
    } else if starts(b"<") {
        Some("a web page: a download that went wrong")
    } else if starts(b"\x1f\x8b") || starts(b"BZh") || starts(b"\xfd7zXZ") || starts(b"7z\xbc\xaf") || starts(b"\x28\xb5\x2f\xfd")
    {
        Some("a compressed file: unpack it first")
    } else if starts(b"\x08") && head.get(2) == Some(&0x12) {
        Some("an ONNX model")
    } else if head.first_chunk().is_some_and(|version| u32::from_le_bytes(*version) > 0xff) {
        Some("a file of an unknown format")
    } else {
        None
    }
}
