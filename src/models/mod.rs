//! Which models there are, where they lie, and how they come.
//!
//! [`catalog`] looks models up in folders, by kind, and never loads one; `inspect` tells a model from a stub or a broken
//! download by its first bytes and its size; [`import`] makes one from what a user has; [`command`] is the command line of
//! it. The stages load what the catalog found; which features a model wants is their knowledge, not this module's.

pub mod catalog;
pub mod command;
pub mod import;
mod inspect;
mod license;
mod preference;

use std::path::PathBuf;

pub mod ggml;

/// What a model is for; each kind has its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelKind {
    /// Speech to text, in whisper.cpp's ggml format.
    Whisper,
    /// Who speaks when, inside a window: ONNX.
    Segmentation,
    /// Voiceprints: ONNX.
    Speaker,
    /// Speech or not: whisper.cpp's ggml format, or ONNX.
    Vad,
}

impl ModelKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Whisper, Self::Segmentation, Self::Speaker, Self::Vad];

    /// The folder's name, which is also the kind's name in settings and in output.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Whisper => "whisper",
            Self::Segmentation => "segmentation",
            Self::Speaker => "speaker",
            Self::Vad => "vad",
        }
    }

    /// What its files end in.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Whisper => &["bin"],
            Self::Segmentation | Self::Speaker => &["onnx"],
            Self::Vad => &["bin", "onnx"],
        }
    }
}

/// Where models are looked for, and which are wanted. `models` in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelsOptions {
    /// `models.dirs`: folders with a folder a kind in them; the first that has a usable model of a kind wins.
    pub dirs: Vec<PathBuf>,
    /// `models.whisper`: a model by name, instead of the best that is there.
    pub whisper: Option<String>,
    /// `models.segmentation`.
    pub segmentation: Option<String>,
    /// `models.speaker`.
    pub speaker: Option<String>,
    /// `models.vad`.
    pub vad: Option<String>,
}

impl ModelsOptions {
    /// The name that is asked for, of this kind.
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

/// A usable model, as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// What it is for.
    pub kind: ModelKind,
    /// Where it is.
    pub path: PathBuf,
    /// The file's name without its extension.
    pub name: String,
    /// How large it is.
    pub size_bytes: u64,
    /// SPDX, of models that are known by name.
    pub license: Option<&'static str>,
    /// Which of `models.dirs` it lies under.
    pub dir: PathBuf,
    /// The languages and sizes, of a Whisper model.
    pub whisper: Option<WhisperTraits>,
}

/// What the header of a ggml Whisper file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhisperTraits {
    /// Whether it knows more languages than English.
    pub multilingual: bool,
    /// Depth of the encoder: 4 tiny, 6 base, 12 small, 24 medium, 32 large.
    pub encoder_layers: u32,
    /// Depth of the decoder: less than the encoder's in turbo and distilled models.
    pub decoder_layers: u32,
    /// ggml's number type of the weights: 0 f32, 1 f16, 7 q8_0, ...
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
