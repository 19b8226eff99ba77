//! The samples of a long signal in a scratch file, as 16-bit integers.
//!
//! 16 bits preserve what telephones and nearly all recorders deliver: the rounding noise is at -98 dBFS, below the
//! noise of any line, and a 16-bit source at 16 kHz is preserved exactly. Compared with 32 bits they halve the disk
//! space of long recordings. A block that exceeds full scale has its own scale, so that nothing is clipped before the
//! whole signal is known.

use std::ops::Range;

use super::levels::Correction;
use super::signal::{BLOCK, SignalError, clean};
use crate::scratch::{Scratch, ScratchFile};

/// Bytes per stored sample.
pub(super) const SAMPLE_BYTES: usize = size_of::<i16>();

/// Full scale of 16-bit integers.
const FULL_SCALE: f32 = 32_768.0;

/// Samples in a scratch file, written in blocks, of which the last may be shorter.
pub(super) struct Spilled {
    file: Box<dyn ScratchFile>,
    scratch: Scratch,
    /// Scale of each block, at least 1.
    scales: Vec<f32>,
    correction: Correction,
}

impl Spilled {
    /// An empty file; `None` if there is no scratch space.
    pub(super) fn create(scratch: &Scratch) -> Result<Option<Self>, SignalError> {
        let file = scratch.create()?;
        Ok(file.map(|file| Self { file, scratch: scratch.clone(), scales: Vec::new(), correction: Correction::NONE }))
    }

    /// Sets the correction that is applied when samples are read.
    pub(super) fn with_correction(self, correction: Correction) -> Self {
        Self { correction, ..self }
    }

    /// The scratch space that the file is in.
    pub(super) fn scratch(&self) -> Scratch {
        self.scratch.clone()
    }

    /// Appends a block. Only the last block may be shorter than [`BLOCK`].
    pub(super) fn append(&mut self, block: &[f32]) -> Result<(), SignalError> {
        let scale = block.iter().fold(1.0_f32, |peak, sample| peak.max(sample.abs()));
        // The cast saturates at the ends of the integer range.
        let encode = |sample: &f32| ((sample / scale * FULL_SCALE).round() as i16).to_le_bytes();
        let bytes: Vec<u8> = block.iter().flat_map(encode).collect();
        self.scales.push(scale);
        Ok(self.file.append(&bytes)?)
    }

    /// Reads a range inside the signal.
    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let mut bytes = vec![0; range.len() * SAMPLE_BYTES];
        self.file.read_at((range.start * SAMPLE_BYTES) as u64, &mut bytes)?;
        let (encoded, _rest) = bytes.as_chunks::<SAMPLE_BYTES>();
        let mut samples = Vec::with_capacity(range.len());
        while let Some(rest) = encoded.get(samples.len()..).filter(|rest| !rest.is_empty()) {
            let at = range.start + samples.len();
            let scale = self.scales.get(at / BLOCK).copied().unwrap_or(1.0);
            let inside = rest.len().min(BLOCK - at % BLOCK);
            let decode = |sample: &[u8; SAMPLE_BYTES]| f32::from(i16::from_le_bytes(*sample)) / FULL_SCALE * scale;
            samples.extend(rest.iter().take(inside).map(|sample| clean(self.correction.of(decode(sample)))));
        }
        Ok(samples)
    }
}
