//! The samples of a long signal in a scratch file, 16 bits each.
//!
//! 16 bits keep what telephones, and nearly all recorders, deliver: their rounding lies 98 dB below full scale, below the noise of any
//! line, and a 16-bit source at 16 kHz comes back bit for bit. Against 32 bits they halve the disk that four hours need. A block
//! that goes beyond full scale is written at a level of its own, so that nothing is cut off before the whole signal is known.

use std::ops::Range;

use super::levels::Correction;
use super::signal::{BLOCK, SignalError, clean};
use crate::scratch::{Scratch, ScratchFile};

/// Bytes of a sample.
pub(super) const SAMPLE_BYTES: usize = size_of::<i16>();

/// Full scale of 16 bits.
const FULL_SCALE: f32 = 32_768.0;

/// Where the samples lie. Written block by block, the last of which may be shorter.
pub(super) struct Spilled {
    file: Box<dyn ScratchFile>,
    scratch: Scratch,
    /// The level of each block.
    scales: Vec<f32>,
    correction: Correction,
}

impl Spilled {
    /// An empty one; none where there is no place for it.
    pub(super) fn create(scratch: &Scratch) -> Result<Option<Self>, SignalError> {
        let file = scratch.create()?;
        Ok(file.map(|file| Self { file, scratch: scratch.clone(), scales: Vec::new(), correction: Correction::NONE }))
    }

    /// The same, whose samples are set right when they are read.
    pub(super) fn with_correction(self, correction: Correction) -> Self {
        Self { correction, ..self }
    }

    /// Where more of its size can be laid.
    pub(super) fn scratch(&self) -> Scratch {
        self.scratch.clone()
    }

    /// Adds a block; after one that is shorter than [`BLOCK`] there must be none.
    pub(super) fn append(&mut self, block: &[f32]) -> Result<(), SignalError> {
        let scale = block.iter().fold(1.0_f32, |peak, sample| peak.max(sample.abs()));
        // A float beyond the range of an integer becomes its nearest end.
        let encode = |sample: &f32| ((sample / scale * FULL_SCALE).round() as i16).to_le_bytes();
        let bytes: Vec<u8> = block.iter().flat_map(encode).collect();
        self.scales.push(scale);
        Ok(self.file.append(&bytes)?)
    }

    /// The samples of a range that is there.
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
