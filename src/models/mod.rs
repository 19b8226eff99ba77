//! Model files: finding, checking and importing them.
//!
//! [`trials`] remembers which files ended the process. [`catalog`] finds models in folders, by kind, and never loads one; `inspect` distinguishes a model from a stub or a broken
//! download by its header and size; [`import`] converts models of other programs; [`command`] is the command line for both. The
//! stages load what the catalog found; which features a model takes is known there, not here.

pub mod catalog;
pub mod command;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod import;
mod inspect;
mod license;
mod preference;
pub mod trials;

use std::path::PathBuf;

use strum::{IntoStaticStr, VariantArray};

pub mod ggml;

/// The purpose of a model. Each kind has a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ModelKind {
    /// Speech to text, in whisper.cpp's ggml format.
    Whisper,
    /// Speaker segmentation of a window, in ONNX.
    Segmentation,
    /// Speaker embeddings (voiceprints), in ONNX.
    Speaker,
    /// Voice activity detection, in whisper.cpp's ggml format or in ONNX.
    Vad,
}

impl ModelKind {
    /// All kinds, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    /// The folder's name, which is also the kind's name in settings and in output.
    #[must_use]
    pub fn folder(self) -> &'static str {
        self.into()
    }

    /// The extensions of its files, without the dot.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Whisper => &["bin"],
            Self::Segmentation | Self::Speaker => &["onnx"],
            Self::Vad => &["bin", "onnx"],
        }
    }
}

/// The section `models` of the settings: folders, and models chosen by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelsOptions {
    /// `models.dirs`: folders that contain one folder for each kind. The first with a usable model of a kind wins.
    pub dirs: Vec<PathBuf>,
    /// `models.whisper`: the name of a model, instead of the best one found. The same for the other kinds.
    pub whisper: Option<String>,
    pub segmentation: Option<String>,
    pub speaker: Option<String>,
    pub vad: Option<String>,
}

impl ModelsOptions {
    /// The name that the settings give for this kind, if any.
    #[must_use]
    pub fn preferred(&self, kind: ModelKind) -> Option<&str> {
        match kind {
            ModelKind::Whisper => self.whisper.as_deref(),
            ModelKind::Segmentation => self.segmentation.as_deref(),
            ModelKind::Speaker => self.speaker.as_deref(),
            ModelKind::Vad => self.vad.as_deref(),
        }
    }
}

/// A usable model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub kind: ModelKind,
    pub path: PathBuf,
    /// The file's name without its extension.
    pub name: String,
    pub size_bytes: u64,
    /// SPDX identifier, for models that are known by name.
    pub license: Option<&'static str>,
    /// The folder of `models.dirs` that contains it.
    pub dir: PathBuf,
    /// Languages and sizes, for Whisper models only.
    pub whisper: Option<WhisperTraits>,
}

/// Properties from the header of a ggml Whisper file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhisperTraits {
    /// Whether the model knows more languages than English.
    pub multilingual: bool,
    /// Number of encoder blocks: 4 tiny, 6 base, 12 small, 24 medium, 32 large.
    pub encoder_layers: u32,
    /// Number of decoder blocks; fewer than encoder blocks in turbo and distilled models.
    pub decoder_layers: u32,
    /// ggml's number for the type of the weights: 0 f32, 1 f16, 7 q8_0, ...
    pub file_type: u32,
}

impl From<ggml::WhisperHeader> for WhisperTraits {
    fn from(header: ggml::WhisperHeader) -> Self {
        Self {
            multilingual: header.is_multilingual(),
            encoder_layers: header.audio_layers,
            decoder_layers: header.text_layers,
            file_type: header.file_type,
        }
    }
}
