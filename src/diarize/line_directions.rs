//! Removes from an embedding what a line changes in it: "nuisance attribute projection" (A. Solomonoff, W. Campbell,
//! I. Boardman, 2005, <https://doi.org/10.1109/ICASSP.2005.1415190>). Pure.
//!
//! A handset, a loudspeaker and a codec shift the voiceprints of all voices in a few common directions. Without these, one
//! voice on two lines is closer to itself and two voices are hardly closer to each other (docs/experiments.md).

use crate::voiceprint::{dot, normalize};

/// Name of the model to which [`CAMPPLUS`] belongs.
const CAMPPLUS_NAME: &str = "campplus-zh-en";
/// Dimension of an embedding of CAM++.
const CAMPPLUS_WIDTH: usize = 192;
/// Orthonormal directions of CAM++, 8 of 192 little-endian float32 each, by `scripts/quality/line_directions.py`.
const CAMPPLUS: &[u8; 4 * 8 * CAMPPLUS_WIDTH] = include_bytes!("../../assets/campplus-line.f32");

/// Directions in which the line changes the embeddings of one model.
#[derive(Debug, Default)]
pub(super) struct LineDirections(Vec<Vec<f32>>);

impl LineDirections {
    /// The directions of a speaker model by its name; none if they are not known.
    pub(super) fn of(model: &str) -> Self {
        if model != CAMPPLUS_NAME {
            return Self::default();
        }
        let (values, _) = CAMPPLUS.as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Self(values.chunks_exact(CAMPPLUS_WIDTH).map(<[f32]>::to_vec).collect())
    }

    /// Projects an embedding onto the rest of the space, and to length 1. An embedding of another dimension, or one
    /// that lies in these directions, is left as it is.
    pub(super) fn remove_from(&self, embedding: &mut [f32]) {
        let mut rest = embedding.to_vec();
        for direction in self.0.iter().filter(|direction| direction.len() == embedding.len()) {
            let part = dot(&rest, direction);
            rest.iter_mut().zip(direction).for_each(|(value, direction)| *value -= part * direction);
        }
        if normalize(&mut rest) {
            embedding.copy_from_slice(&rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directions_are_orthonormal_and_removed() {
        let line = LineDirections::of(CAMPPLUS_NAME);
        assert_eq!(line.0.len(), 8);
        for (place, one) in line.0.iter().enumerate() {
            for (index, other) in line.0.iter().enumerate() {
                assert!((dot(one, other) - f32::from(u8::from(place == index))).abs() < 1e-5);
            }
        }
        let mut embedding: Vec<f32> = (0..CAMPPLUS_WIDTH).map(|index| (index as f32).sin()).collect();
        line.remove_from(&mut embedding);
        assert!(line.0.iter().all(|direction| dot(direction, &embedding).abs() < 1e-5));
        assert!((dot(&embedding, &embedding) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn other_models_and_dimensions_are_left_alone() {
        let mut embedding = vec![0.6, 0.8];
        LineDirections::of("ge2e-256").remove_from(&mut embedding);
        LineDirections::of(CAMPPLUS_NAME).remove_from(&mut embedding);
        assert!((embedding[0] - 0.6).abs() < 1e-6 && (embedding[1] - 0.8).abs() < 1e-6);
    }
}
