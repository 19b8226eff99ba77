//! The formats of recordings, with their published names.

/// The container of a recording. Opus in Ogg has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Wav,
    Mp3,
    Flac,
    Ogg,
    Opus,
    M4a,
    Aiff,
    Caf,
    Mkv,
    Aac,
    W64,
    Au,
    Gsm,
    /// Samples without a header, whose encoding was declared.
    Raw,
    /// A dropped file that is no recording.
    Unknown,
}

impl Format {
    /// Every format, the unknown one last.
    pub const ALL: [Self; 15] = [
        Self::Wav,
        Self::Mp3,
        Self::Flac,
        Self::Ogg,
        Self::Opus,
        Self::M4a,
        Self::Aiff,
        Self::Caf,
        Self::Mkv,
        Self::Aac,
        Self::W64,
        Self::Au,
        Self::Gsm,
        Self::Raw,
        Self::Unknown,
    ];

    /// The published name, which is also the extension of the recording on the volume.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Opus => "opus",
            Self::M4a => "m4a",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Mkv => "mkv",
            Self::Aac => "aac",
            Self::W64 => "w64",
            Self::Au => "au",
            Self::Gsm => "gsm",
            Self::Raw => "raw",
            Self::Unknown => "unknown",
        }
    }

    /// The format with this published name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
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
