//! The types in which an imported Whisper model can be stored, as users choose them.

/// The type in which large weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TensorType {
    /// 16 bits per number, without loss.
    #[value(name = "f16")]
    F16,
    /// 8.5 bits per number, in blocks of 32: half the size, faster on a CPU, with hardly any loss.
    #[default]
    #[value(name = "q8_0")]
    Q8_0,
}

impl TensorType {
    /// The name as it appears in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
        }
    }

    /// The number in the file's header: ggml's `ftype`, plus 1000 times the version of the quantization (2) for quantized types.
    pub(super) fn file_type(self) -> u32 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 2007,
        }
    }
}
