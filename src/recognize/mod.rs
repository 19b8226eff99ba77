//! Whose voice it is.

/// An enrolled voice and how near it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The person's name.
    pub name: String,
    /// Cosine similarity, -1 to 1.
    pub score: f32,
}

/// What is known of one speaker's identity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Identity {
    /// The person, when a voice was near enough.
    pub name: Option<String>,
    /// How sure, 0 to 1; 0 for an unknown voice.
    pub confidence: f32,
    /// The file of the voice.
    pub source: Option<String>,
    /// The nearest voices, best first.
    pub candidates: Vec<Candidate>,
}
