//! Acoustic features and speaker embeddings ("voiceprints").
//!
//! Owns the way from samples to a vector that stands for a voice; used by `diarize` to tell speakers apart and by
//! `recognize` to name them. What a distance means is decided there, not here: vectors of different models must never be
//! compared, and [`Voiceprint::similarity`] refuses to.

mod columns;
mod effort;
mod error;
mod fbank;
mod features;
mod filterbank;
mod mel;
mod mfcc;
mod model;
mod partials;
mod rows;
pub(crate) mod spectrum;
mod whole;

pub use effort::Effort;
pub use error::VoiceprintError;
pub use fbank::{FbankOptions, FbankWindow};
pub use features::{FeatureKind, Features};
pub use model::VoiceprintModel;

/// A voice as a point on the unit sphere; comparable only with one of the same kind of model.
#[derive(Debug, Clone, PartialEq)]
pub struct Voiceprint {
    /// The model that made it, for example `voiceprint-stats-lda48`.
    pub model: String,
    /// Of length 1.
    pub vector: Vec<f32>,
}

impl Voiceprint {
    /// The cosine of the angle between two voiceprints of one model, -1 to 1; none when they are of different models.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        (self.model == other.model && self.vector.len() == other.vector.len()).then(|| dot(&self.vector, &other.vector))
    }
}

/// The scalar product.
#[must_use]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Scales to length 1; false, and nothing is changed, when the length is zero or not a number.
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
