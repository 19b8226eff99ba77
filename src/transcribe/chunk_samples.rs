//! The samples of a chunk on their way to the model: as recorded, or denoised.
//!
//! They are read from the signal just before the chunk is processed, and denoised on the thread that decodes the chunk, since
//! denoising takes processor time. The samples depend on the recording alone, never on other chunks, so that a chunk which is
//! decoded again after a restart gets the same input.

use super::TranscribeError;
use super::packing::Chunk;
use crate::audio::denoise::Noisy;
use crate::audio::{Audio, SignalError};

/// The samples that were read for a chunk.
pub(super) enum ChunkSamples {
    /// Ready for the model, without denoising.
    AsRecorded(Vec<f32>),
    /// The pieces of the chunk, still to be denoised.
    Noisy(Vec<Noisy>),
}

impl ChunkSamples {
    /// Reads the first `most` samples of a chunk from the signal that it was packed from.
    pub(super) fn read(chunk: &Chunk, signal: &Audio, denoise: bool, most: usize) -> Result<Self, SignalError> {
        let mut room = most;
        let pieces = chunk.sources().filter_map(|source| {
            let length = source.len().min(room);
            room -= length;
            (length > 0).then(|| source.start..source.start + length)
        });
        if denoise {
            return pieces.map(|piece| Noisy::read(signal, piece)).collect::<Result<_, _>>().map(Self::Noisy);
        }
        let mut samples = Vec::with_capacity(chunk.len().min(most));
        for piece in pieces {
            samples.extend_from_slice(&signal.read(piece)?);
        }
        Ok(Self::AsRecorded(samples))
    }

    /// The samples for the model, denoised if that was requested.
    ///
    /// # Errors
    /// When `must_stop` returns true.
    pub(super) fn samples(self, must_stop: &dyn Fn() -> bool) -> Result<Vec<f32>, TranscribeError> {
        match self {
            Self::AsRecorded(samples) => Ok(samples),
            Self::Noisy(pieces) => {
                let mut samples = Vec::with_capacity(pieces.iter().map(Noisy::len).sum());
                for piece in pieces {
                    samples.append(&mut piece.cleaned(must_stop)?);
                }
                Ok(samples)
            }
        }
    }
}
