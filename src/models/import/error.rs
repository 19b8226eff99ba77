//! Errors of the import: one line each, written for users of the command line.
//!
//! The operating system's reason is the source of an error and not part of its text: print the chain, as `{:#}` of anyhow does.

use std::io;
use std::path::PathBuf;

/// Why a model was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source does not exist or may not be read.
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    /// Reading the source failed.
    #[error("cannot read the model")]
    Read(#[source] io::Error),
    /// The model could not be stored.
    #[error("cannot write {}", path.display())]
    Write {
        /// The target file or its folder.
        path: PathBuf,
        source: io::Error,
    },
    /// The folder or archive contains no model, or several.
    #[error("no model in {}: {reason}", path.display())]
    NoModel { path: PathBuf, reason: String },
    /// The file is a ggml model already.
    #[error("{} is a ggml model already: copy it into the whisper/ folder of the models", path.display())]
    AlreadyGgml { path: PathBuf },
    /// The file has a format that cannot be imported.
    #[error("{} is {what}, not a model that can be imported (docs/models.md)", path.display())]
    OtherFormat {
        path: PathBuf,
        /// The name of the format.
        what: &'static str,
    },
    /// A CTranslate2 model that is not Whisper, or in a form that is not supported.
    #[error("the CTranslate2 model cannot be imported: {0}")]
    Unsupported(String),
    /// The weights are quantized to integers.
    #[error("the model is quantized ({variable} holds {element}): import a float16 or float32 variant of it")]
    Quantized {
        /// The first such weight in the file.
        variable: String,
        /// CTranslate2's name of its number type.
        element: &'static str,
    },
    /// The file is inconsistent or ends early.
    #[error("the model file is damaged: {0}")]
    Damaged(String),
    /// Parts of a model are missing, doubled, or do not belong together.
    #[error("the parts of the model cannot be put together: {0}")]
    Parts(String),
    /// A PyTorch checkpoint that is damaged, is not just a state dict, or holds an unknown network.
    #[error("the PyTorch checkpoint cannot be imported: {0}")]
    Checkpoint(String),
    /// The vocabulary is missing or does not fit the model.
    #[error("the vocabulary does not fit the model: {0}")]
    Vocabulary(String),
    /// The archive is damaged or has suspicious names.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The archive has a known name but not the known content.
    #[error("{} is not the file that was published under this name (SHA-256 {found}, expected {expected})", path.display())]
    WrongHash {
        path: PathBuf,
        /// The SHA-256 of the file.
        found: String,
        /// The SHA-256 of the published file.
        expected: &'static str,
    },
    /// The package has another version than the supported one.
    #[error("{} is this package {found}; only version {expected} can be imported", path.display())]
    OtherVersion { path: PathBuf, found: String, expected: &'static str },
    /// The name given with `--name` is not a plain file name.
    #[error("{0} is not a name for a model file: give a plain file name without folders")]
    Name(String),
    /// No name was given for a checkpoint that is not a published one.
    #[error("the PyTorch checkpoint is not one that was published: give the model a name with --name")]
    Nameless,
    /// The name of a published model was given for another one.
    #[error("{0} is the name of a published model, and this is another one: give it another name with --name")]
    PublishedName(String),
    /// A name was given for several models.
    #[error("--name names a single model, and these sources hold {0}")]
    SeveralModels(usize),
    /// Models were imported before this one failed.
    #[error("{} {} imported, but the next model was not", paths(imported), if imported.len() == 1 { "is" } else { "are" })]
    AfterOthers {
        /// Paths of the models that are stored.
        imported: Vec<PathBuf>,
        #[source]
        error: Box<ImportError>,
    },
    /// The target exists and is a different file.
    #[error("{} exists and is another model: remove it, or give this one a name with --name", path.display())]
    Exists { path: PathBuf },
}

impl ImportError {
    /// The error for a failed read: an early end means a damaged file, anything else a problem of the system.
    pub(super) fn from_read(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged("it ends early".to_owned()) } else { Self::Read(error) }
    }
}

fn paths(imported: &[PathBuf]) -> String {
    imported.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A name from an untrusted file, escaped and shortened for one line of a terminal.
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
