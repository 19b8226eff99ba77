//! A signal while it comes into being: in memory as long as it is short, then in a scratch file.

use super::signal::{Audio, BLOCK, SAMPLE_BYTES, SignalError, clean, encode};
use crate::scratch::{Scratch, ScratchFile};

/// Takes samples at 16 kHz from the first to the last.
pub(super) struct Writer {
    scratch: Scratch,
    /// All samples, until they are moved to a file; then those that the file does not have yet.
    waiting: Vec<f32>,
    file: Option<Box<dyn ScratchFile>>,
    length: usize,
}

impl Writer {
    /// One that stays in memory until [`Self::spill`].
    pub(super) fn new(scratch: Scratch) -> Self {
        Self { scratch, waiting: Vec::new(), file: None, length: 0 }
    }

    /// Takes the next samples; what is not finite becomes silence, what is too loud is clipped.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), SignalError> {
        self.length += samples.len();
        self.waiting.extend(samples.iter().copied().map(clean));
        if self.file.is_some() && self.waiting.len() >= BLOCK { self.flush() } else { Ok(()) }
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

    /// Moves all samples to a file, if there is a place for one; later ones follow them.
    pub(super) fn spill(&mut self) -> Result<(), SignalError> {
        if self.file.is_none()
            && let Some(file) = self.scratch.create()?
        {
            self.file = Some(file);
            self.flush()?;
            self.waiting.shrink_to(BLOCK);
        }
        Ok(())
    }

    /// The signal.
    pub(super) fn finish(mut self) -> Result<Audio, SignalError> {
        self.flush()?;
        Ok(match self.file {
            Some(file) => Audio::spilled(file, self.scratch, self.length),
            None => {
                self.waiting.shrink_to_fit();
                Audio::new(self.waiting)
            }
        })
    }

    fn flush(&mut self) -> Result<(), SignalError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = Vec::with_capacity(BLOCK * SAMPLE_BYTES);
        for block in self.waiting.chunks(BLOCK) {
            bytes.clear();
            encode(block, &mut bytes);
            file.append(&bytes)?;
        }
        self.waiting.clear();
        Ok(())
    }
}
