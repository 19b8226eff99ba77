//! Acoustic features and speaker embeddings ("voiceprints").

/// A voice as a point on the unit sphere; comparable only with one of the same kind of model.
#[derive(Debug, Clone, PartialEq)]
pub struct Voiceprint {
    /// The model that made it, for example `voiceprint-stats-lda48`.
    pub model: String,
    /// Of length 1.
    pub vector: Vec<f32>,
}
