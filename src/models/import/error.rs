//! Why a model is not imported: one line each, written for the person at the command line.
//!
//! The system's own reason is the source of an error and not in its text: print the chain, as `{:#}` of anyhow does.

use std::io;
use std::path::PathBuf;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source is not there, or may not be read.
    #[error("cannot open {}", path.display())]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Reading broke off.
    #[error("cannot read the model")]
    Read(#[source] io::Error),
    /// The model could not be stored.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing to import here.
    #[error("no model in {}: {reason}", path.display())]
    NoModel {
        /// The folder or archive.
        path: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// It is one already.
    #[error("{} is a ggml model already: copy it into the whisper/ folder of the models", path.display())]
    AlreadyGgml {
        /// The file.
        path: PathBuf,
    },
    /// A file of another format.
    #[error("{} is {what}, not a model that can be imported (docs/models.md)", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// A CTranslate2 model that is not Whisper, or not in a form that can be carried over.
    #[error("the CTranslate2 model cannot be imported: {0}")]
    Unsupported(String),
    /// The weights are integers.
    #[error("the model is quantized ({variable} holds {element}): import a float16 or float32 variant of it")]
    Quantized {
        /// The first such weight.
        variable: String,
        /// Its number type.
        element: &'static str,
    },
    /// The file contradicts itself, or ends early.
    #[error("the model file is damaged: {0}")]
    Damaged(String),
    /// The vocabulary is missing or does not fit the model.
    #[error("the vocabulary does not fit the model: {0}")]
    Vocabulary(String),
    /// The archive cannot be trusted or read.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The archive has a known name, but not the known content.
    #[error("{} is not the file that was published under this name (SHA-256 {found}, expected {expected})", path.display())]
    WrongHash {
        /// The archive.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The published one.
        expected: &'static str,
    },
    /// A package of which another version is known.
    #[error("{} is this package {found}; only version {expected} can be imported", path.display())]
    OtherVersion {
        /// The archive.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The known one.
        expected: &'static str,
    },
    /// `--name` is not a plain file name.
    #[error("{0} is not a name for a model file: give a plain file name without folders")]
    Name(String),
    /// The target is taken by something else.
    #[error("{} exists and is another model: remove it, or give this one a name with --name", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
}

impl ImportError {
    /// Reading that ended early is a damaged file, anything else the system's fault.
    pub(super) fn from_read(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged("it ends early".to_owned()) } else { Self::Read(error) }
    }
}

/// A name from an untrusted file, fit for one line of a terminal.
pub(super) fn printable(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for character in name.chars().flat_map(char::escape_debug).take(LONGEST) {
        shown.push(character);
    }
    if name.chars().count() > LONGEST {
        shown.push_str("...");
    }
    shown
}
