//! How much of a speaker's speech a voiceprint is computed from.

/// Trades speed for precision when a voiceprint is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few evenly spread parts of the speech, for the many short subsegments of diarization.
    Quick,
    /// All of the speech in overlapping parts, for a voiceprint that is stored or compared with enrolled voices.
    Full,
}
