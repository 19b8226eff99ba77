//! How much of a speaker's speech a voiceprint is computed from.

/// How much care a voiceprint is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few spread-out parts of the stretch: for the many short ones of diarization.
    Quick,
    /// All of it, overlapping: for a voice that is kept or looked up.
    Full,
}
