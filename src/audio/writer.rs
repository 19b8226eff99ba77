//! A signal while it comes into being: in memory as long as it is short, then in a scratch file.

use super::levels::Correction;
use super::signal::{Audio, BLOCK, SignalError};
use super::spilled::Spilled;
use crate::scratch::Scratch;

/// Takes samples at 16 kHz from the first to the last.
pub(super) struct Writer {
    scratch: Scratch,
    /// All samples, until they are moved to a file; then those that the file does not have yet.
    waiting: Vec<f32>,
    file: Option<Spilled>,
    length: usize,
}

impl Writer {
    /// One that stays in memory until [`Self::spill`].
    pub(super) fn new(scratch: Scratch) -> Self {
        Self { scratch, waiting: Vec::new(), file: None, length: 0 }
    }

    /// Takes the next samples; what is not finite becomes silence.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), SignalError> {
        self.length += samples.len();
        self.waiting.extend(samples.iter().map(|&sample| if sample.is_finite() { sample } else { 0.0 }));
        self.flush()
    }

    /// How many samples it has taken.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Bytes of memory for its samples.
    pub(super) fn bytes_in_memory(&self) -> usize {
        self.waiting.len() * size_of::<f32>()
    }

    /// Whether they are in a file.
    pub(super) fn is_spilled(&self) -> bool {
        self.file.is_some()
    }

    /// Moves the samples to a file, if there is a place for one; later ones follow them.
    pub(super) fn spill(&mut self) -> Result<(), SignalError> {
        if self.file.is_none()
            && let Some(file) = Spilled::create(&self.scratch)?
        {
            self.file = Some(file);
            self.flush()?;
            self.waiting.shrink_to(2 * BLOCK);
        }
        Ok(())
    }

    /// The signal, set right; what is too loud even then is clipped.
    pub(super) fn finish(mut self, correction: Correction) -> Result<Audio, SignalError> {
        match self.file {
            Some(mut file) => {
                file.append(&self.waiting)?;
                Ok(Audio::spilled(self.length, file.with_correction(correction)))
            }
            None => {
                self.waiting.iter_mut().for_each(|sample| *sample = correction.of(*sample));
                self.waiting.shrink_to_fit();
                Ok(Audio::new(self.waiting))
            }
        }
    }

    /// Gives whole blocks to the file, once there is one.
    fn flush(&mut self) -> Result<(), SignalError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let whole = self.waiting.len() - self.waiting.len() % BLOCK;
        for block in self.waiting[..whole].chunks_exact(BLOCK) {
            file.append(block)?;
        }
        self.waiting.drain(..whole);
        Ok(())
    }
}
