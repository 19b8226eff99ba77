//! The formats of recordings, with their published names.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The container of a recording. Opus in Ogg has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    Wav,
    Mp3,
    Flac,
    Opus,
    Ogg,
    M4a,
    Aac,
    Aiff,
    Mkv,
    Caf,
    W64,
    Au,
    Gsm,
    /// Samples without a header, whose encoding was declared.
    Raw,
    /// A dropped file that is no recording.
    Unknown,
}

impl Format {
    /// The published name, which is also the extension of the recording on the volume.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The published names of the formats that are accepted. The content of a file decides which it has, not its name.
    pub fn supported() -> Vec<&'static str> {
        Self::VARIANTS.iter().copied().filter(|format| *format != Self::Unknown).map(Self::name).collect()
    }

    /// The format with this published name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The media type of a recording; samples without a header have one that tells their encoding
    /// ([`super::Headerless::media_type`]).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Flac => "audio/flac",
            Self::Opus | Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Aac => "audio/aac",
            Self::Aiff => "audio/aiff",
            Self::Mkv => "audio/x-matroska",
            Self::Caf => "audio/x-caf",
            Self::Au => "audio/basic",
            Self::Gsm => "audio/GSM",
            Self::W64 | Self::Raw | Self::Unknown => "application/octet-stream",
        }
    }
}
