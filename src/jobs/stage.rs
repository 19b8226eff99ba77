//! The stages of a job, in the order in which they run and are published.

/// One stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Is it a recording that can be worked on?
    Validation,
    /// Decoding, resampling, channels, levels.
    Preprocessing,
    /// Who speaks when.
    Diarization,
    /// What is said.
    Transcription,
    /// Whose voice it is.
    Recognition,
    /// Who that is in the address book.
    CarddavLookup,
    /// The published document.
    Annotation,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 7] = [
        Self::Validation,
        Self::Preprocessing,
        Self::Diarization,
        Self::Transcription,
        Self::Recognition,
        Self::CarddavLookup,
        Self::Annotation,
    ];

    /// The published name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Preprocessing => "preprocessing",
            Self::Diarization => "diarization",
            Self::Transcription => "transcription",
            Self::Recognition => "recognition",
            Self::CarddavLookup => "carddav_lookup",
            Self::Annotation => "annotation",
        }
    }
}
