//! Identifies and opens the source of an import.
//!
//! The content decides, not the name. Each kind of model that can be imported is a variant of [`Found`]; a new kind is another
//! variant here, and another arm in the import.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::ctranslate2::{COMPANION_LIMIT, Contents, WEIGHTS};
use super::error::ImportError;
use super::ge2e::Wheel;
use super::output::{Folder, TemporaryFile};
use super::vocabulary::VocabularyFile;

/// The kind of source found at a path.
pub(super) enum Found {
    /// A Whisper model of faster-whisper.
    Whisper(Source),
    /// The voice encoder of Resemblyzer.
    Voice(Box<Wheel>),
}

/// A CTranslate2 model in a folder or an archive.
pub(super) enum Source {
    /// A file, with its companions in the same folder.
    File { file: File, folder: PathBuf },
    /// In a wheel or zip.
    Archive(Box<Archive>),
}

/// The weights, in a file that can be read in any order.
pub(super) enum Weights {
    File(File),
    /// From an archive; removed when dropped.
    Unpacked(TemporaryFile),
}

impl Found {
    /// Opens a wheel, a zip, a folder or a `model.bin` file.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let found = if path.is_dir() { weights_in(path)? } else { path.to_owned() };
        let mut file = open_file(&found)?;
        let mut head = Vec::new();
        file.by_ref().take(64).read_to_end(&mut head).and_then(|_| file.rewind()).map_err(ImportError::Read)?;
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            super::known::check_archive(&found, &mut file)?;
            if let Some(wheel) = Wheel::open(&found, file.try_clone().map_err(ImportError::Read)?)? {
                return Ok(Self::Voice(Box::new(wheel)));
            }
            return Ok(Self::Whisper(Source::Archive(Box::new(Archive::open(&found, file)?))));
        }
        if head.starts_with(b"lmgg") {
            return Err(ImportError::AlreadyGgml { path: found });
        }
        if let Some(what) = other_format(&head) {
            return Err(ImportError::OtherFormat { path: found, what });
        }
        // The link is not resolved: in a cache it points into a folder of blobs, and the companions are beside the link.
        let folder = found.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Self::Whisper(Source::File { file, folder }))
    }
}

impl Source {
    /// Reads and checks the table of contents.
    pub(super) fn contents(&mut self) -> Result<Contents, ImportError> {
        match self {
            Self::File { file, .. } => {
                let length = file.metadata().map_err(ImportError::Read)?.len();
                let mut reader = BufReader::new(file.try_clone().map_err(ImportError::Read)?);
                reader.rewind().map_err(ImportError::Read)?;
                Contents::read(&mut reader, length)
            }
            Self::Archive(archive) => archive.contents(),
        }
    }

    /// The vocabulary files beside the weights, in order of preference.
    pub(super) fn vocabularies(&mut self) -> Result<Vec<(VocabularyFile, Vec<u8>)>, ImportError> {
        let mut found = Vec::new();
        for file in VocabularyFile::ALL {
            if let Some(content) = self.companion(file.name())? {
                found.push((file, content));
            }
        }
        Ok(found)
    }

    /// The content of the file with this name beside the weights, if there is one.
    pub(super) fn companion(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let folder = match self {
            Self::File { folder, .. } => folder,
            Self::Archive(archive) => return archive.companion(name),
        };
        let path = folder.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let mut content = Vec::new();
        open_file(&path)?.take(COMPANION_LIMIT + 1).read_to_end(&mut content).map_err(ImportError::Read)?;
        if content.len() as u64 > COMPANION_LIMIT {
            return Err(ImportError::Vocabulary(format!("{name} is too large")));
        }
        Ok(Some(content))
    }

    /// The weights; those in an archive are unpacked into `folder` while they are needed.
    pub(super) fn weights(self, folder: &Folder) -> Result<Weights, ImportError> {
        match self {
            Self::File { file, .. } => Ok(Weights::File(file)),
            Self::Archive(mut archive) => archive.unpack(folder).map(Weights::Unpacked),
        }
    }
}

impl Weights {
    pub(super) fn file(&self) -> &File {
        match self {
            Self::File(file) => file,
            Self::Unpacked(temporary) => &temporary.file,
        }
    }
}

/// The file of weights in a model's folder, or in a folder of a Hugging Face cache (`snapshots/<revision>/`).
fn weights_in(folder: &Path) -> Result<PathBuf, ImportError> {
    let direct = folder.join(WEIGHTS);
    if direct.is_file() {
        return Ok(direct);
    }
    let no_model = |reason: String| ImportError::NoModel { path: folder.to_owned(), reason };
    let mut cached: Vec<PathBuf> = match folder.join("snapshots").read_dir() {
        Ok(entries) => entries.flatten().map(|entry| entry.path().join(WEIGHTS)).filter(|path| path.is_file()).collect(),
        Err(_) => Vec::new(),
    };
    match (cached.pop(), cached.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(no_model(format!("there is no {WEIGHTS} in it"))),
        (Some(_), false) => Err(no_model("there are several snapshots; import one of them".to_owned())),
    }
}

fn open_file(path: &Path) -> Result<File, ImportError> {
    let failed = |source| ImportError::Open { path: path.to_owned(), source };
    // Opening a named pipe would block until there is a writer.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    File::open(path).map_err(failed)
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
