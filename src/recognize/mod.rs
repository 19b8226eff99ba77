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
pub struct Recognizer;
pub struct Recognition {
    pub identities: Vec<Identity>,
    pub warnings: Vec<String>,
}
impl Recognizer {
    pub fn new(_f: std::path::PathBuf, _v: &crate::voiceprint::VoiceprintModel, _t: Option<f32>) -> Self {
        Self
    }
    pub fn recognize(&self, v: &[Option<crate::voiceprint::Voiceprint>]) -> Recognition {
        Recognition { identities: v.iter().map(|_| Identity::default()).collect(), warnings: vec![] }
    }
    pub fn model(&self) -> crate::models::ModelInfo {
        crate::models::ModelInfo { name: "x".into(), framework: "x", device: "cpu", license: None }
    }
}
