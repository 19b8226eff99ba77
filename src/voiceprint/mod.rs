//! Acoustic features and speaker embeddings ("voiceprints").
//!
//! Owns the way from samples to a vector that represents a voice. `diarize` uses it to separate speakers and
//! `recognize` to identify them; the meaning of a distance is decided there. Embeddings of different models must never
//! be compared, and [`Voiceprint::similarity`] refuses to.

mod effort;
mod error;
mod fbank;
mod fbank_network;
mod features;
mod filterbank;
mod frame_table;
mod ge2e;
mod mel;
mod mfcc;
mod model;
pub(crate) mod spectrum;
mod trunk_cache;

pub use effort::Effort;
pub use error::VoiceprintError;
pub use fbank::{FbankOptions, FbankWindow};
pub use fbank_network::OwnLayers;
pub use features::{FeatureKind, Features};
pub use model::VoiceprintModel;

/// A speaker embedding of unit length; comparable only with embeddings of the same model.
#[derive(Debug, Clone, PartialEq)]
pub struct Voiceprint {
    /// Name of the model that computed it, for example `voiceprint-stats-lda48`.
    pub model: String,
    /// The embedding, of length 1.
    pub vector: Vec<f32>,
}

impl Voiceprint {
    /// Cosine similarity, -1 to 1; `None` for embeddings of different models.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        (self.model == other.model && self.vector.len() == other.vector.len()).then(|| dot(&self.vector, &other.vector))
    }
}

/// The scalar product of two vectors.
#[must_use]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Scales a vector to length 1. Returns false and changes nothing if the length is zero or not finite.
pub fn normalize(vector: &mut [f32]) -> bool {
    let length = dot(vector, vector).sqrt();
    if !length.is_finite() || length < 1e-9 {
        return false;
    }
    for value in vector {
        *value /= length;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voiceprints_of_different_models_are_not_compared() {
        let print = |model: &str| Voiceprint { model: model.to_owned(), vector: vec![0.6, 0.8] };
        assert_eq!(print("a").similarity(&print("b")), None);
        assert!((print("a").similarity(&print("a")).unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_vector_without_length_is_not_normalized() {
        assert!(!normalize(&mut [0.0, 0.0]));
        assert!(!normalize(&mut [f32::NAN, 1.0]));
    }
}
