//! Builds a signal from its samples: in memory while it is short, then in a scratch file.

use super::levels::Correction;
use super::signal::{Audio, BLOCK, SignalError};
use super::spilled::Spilled;
use crate::scratch::Scratch;

/// Takes the samples of a 16 kHz signal in order.
pub(super) struct SignalWriter {
    scratch: Scratch,
    /// All samples while in memory; with a file, those not written to it yet.
    waiting: Vec<f32>,
    file: Option<Spilled>,
    length: usize,
}

impl SignalWriter {
    /// A writer that stays in memory until [`Self::spill`].
    pub(super) fn new(scratch: Scratch) -> Self {
        Self { scratch, waiting: Vec::new(), file: None, length: 0 }
    }

    /// Appends samples; values that are not finite become 0.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), SignalError> {
        self.length += samples.len();
        self.waiting.extend(samples.iter().map(|&sample| if sample.is_finite() { sample } else { 0.0 }));
        self.flush()
    }

    /// Number of samples appended so far.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Bytes of memory used by its samples.
    pub(super) fn bytes_in_memory(&self) -> usize {
        self.waiting.len() * size_of::<f32>()
    }

    /// True if the samples are in a file.
    pub(super) fn is_spilled(&self) -> bool {
        self.file.is_some()
    }

    /// Moves the samples to a scratch file, if there is space for one; later samples follow them.
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

    /// The finished signal with the correction applied; what still exceeds full scale is clipped.
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

    /// Writes complete blocks to the file, if there is one.
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
