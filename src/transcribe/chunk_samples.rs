//! The samples of a chunk on their way to the model: as they were recorded, or with the noise taken out.
//!
//! They are read from the signal where the chunk's turn comes, and denoised by the thread that decodes the chunk, since that takes
//! processor time. What becomes of a chunk depends on the recording alone, never on the chunks before it: a chunk that is
//! worked on again after a restart is heard as it was.

use super::TranscribeError;
use super::packing::Chunk;
use crate::audio::denoise::Noisy;
use crate::audio::{Audio, SignalError};

/// What was read of a chunk.
pub(super) enum ChunkSamples {
    /// As it was recorded.
    AsRecorded(Vec<f32>),
    /// Its pieces, which are to be denoised.
    Noisy(Vec<Noisy>),
}

impl ChunkSamples {
    /// Reads the first `most` samples of a chunk from the signal it was made for.
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

    /// The samples for the model, as many as were asked for.
    ///
    /// # Errors
    /// When told to stop.
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
