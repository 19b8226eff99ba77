//! A 16 kHz signal that is read by ranges.
//!
//! Short signals are kept in memory, long ones in a scratch file of 16-bit samples ([`Spilled`]); a mix and a signal
//! with leakage removed are computed when they are read. Callers cannot tell the difference and must never hold a whole
//! signal: four hours are a gigabyte. Samples are finite and within [-1, 1].

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::leak_removed::{Leak, LeakRemoved};
use super::levels::{Levels, Meter};
use super::spilled::Spilled;
use super::time::Millis;
use crate::scratch::Scratch;

/// Samples per block when a whole signal is read: 4 s, 256 KB.
pub const BLOCK: usize = 1 << 16;

/// Decoded audio, or data derived from it, could not be stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The disk is full; there may be room later.
    #[error("there is no room on the disk for the decoded audio")]
    NoRoom,
    /// The disk failed, with the I/O error.
    #[error("the decoded audio could not be kept on the disk: {0}")]
    Lost(#[source] io::Error),
}

impl From<io::Error> for SignalError {
    fn from(error: io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if full { Self::NoRoom } else { Self::Lost(error) }
    }
}

/// A 16 kHz signal with finite samples in [-1, 1]. Clones share the samples.
#[derive(Clone)]
pub struct Audio {
    length: usize,
    backing: Backing,
}

#[derive(Clone)]
enum Backing {
    Memory(Arc<Vec<f32>>),
    File(Arc<Spilled>),
    Mixed(Arc<Mix>),
    LeakRemoved(Arc<LeakRemoved>),
}

/// A weighted sum of signals, computed when it is read.
struct Mix {
    parts: Vec<(Audio, f32)>,
    gain: f32,
}

impl Audio {
    /// Keeps 16 kHz samples in memory. Values that are not finite become 0, values beyond full scale are clipped.
    #[must_use]
    pub fn new(mut samples: Vec<f32>) -> Self {
        for sample in &mut samples {
            *sample = clean(*sample);
        }
        Self { length: samples.len(), backing: Backing::Memory(Arc::new(samples)) }
    }

    /// A signal of `length` samples in a scratch file.
    pub(super) fn spilled(length: usize, file: Spilled) -> Self {
        Self { length, backing: Backing::File(Arc::new(file)) }
    }

    /// The sum of signals, each multiplied by its own factor and all by `gain`; as long as the longest.
    #[must_use]
    pub fn mixed(parts: Vec<(Self, f32)>, gain: f32) -> Self {
        let length = parts.iter().map(|(part, _)| part.length).max().unwrap_or(0);
        Self { length, backing: Backing::Mixed(Arc::new(Mix { parts, gain })) }
    }

    /// This signal with the given leaks subtracted.
    #[must_use]
    pub(super) fn without_leaks(self, leaks: Vec<Leak>) -> Self {
        Self { length: self.length, backing: Backing::LeakRemoved(Arc::new(LeakRemoved { own: self, leaks })) }
    }

    /// Number of samples in the signal.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// True if the signal has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Duration, rounded down to milliseconds.
    #[must_use]
    pub fn duration(&self) -> Millis {
        Millis::from_sample(self.length)
    }

    /// Scratch space for derived data of similar size; none if the signal is in memory, where such data fits too.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        match &self.backing {
            Backing::Memory(_) => Scratch::none(),
            Backing::File(spilled) => spilled.scratch(),
            Backing::Mixed(mix) => mix.parts.first().map_or_else(Scratch::none, |(part, _)| part.scratch()),
            Backing::LeakRemoved(without_leaks) => without_leaks.own.scratch(),
        }
    }

    /// The samples of a range, clipped to the signal's length.
    ///
    /// # Errors
    /// When they cannot be read back from the disk.
    pub fn read(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, SignalError> {
        let end = range.end.min(self.length);
        let start = range.start.min(end);
        match &self.backing {
            Backing::Memory(samples) => Ok(Cow::Borrowed(samples.get(start..end).unwrap_or_default())),
            Backing::File(spilled) => spilled.read(start..end).map(Cow::Owned),
            Backing::Mixed(mix) => mix.read(start..end).map(Cow::Owned),
            Backing::LeakRemoved(without_leaks) => without_leaks.read(start..end).map(Cow::Owned),
        }
    }

    /// The samples, if they are in memory and nobody else has them; else the signal.
    ///
    /// # Errors
    /// The signal itself.
    pub(super) fn into_samples(self) -> Result<Vec<f32>, Self> {
        let Self { length, backing } = self;
        match backing {
            Backing::Memory(samples) => {
                Arc::try_unwrap(samples).map_err(|samples| Self { length, backing: Backing::Memory(samples) })
            }
            backing @ (Backing::File(_) | Backing::Mixed(_) | Backing::LeakRemoved(_)) => Err(Self { length, backing }),
        }
    }

    /// Iterates over a range in blocks of `length` samples; the last may be shorter.
    pub fn blocks(&self, range: Range<usize>, length: usize) -> impl Iterator<Item = Result<Cow<'_, [f32]>, SignalError>> {
        let end = range.end.min(self.length);
        let length = length.max(1);
        (range.start..end).step_by(length).map(move |start| self.read(start..(start + length).min(end)))
    }

    /// Measures the whole signal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn levels(&self) -> Result<Levels, SignalError> {
        let mut meter = Meter::default();
        for block in self.blocks(0..self.length, BLOCK) {
            meter.push(&block?);
        }
        Ok(meter.levels())
    }

    /// A reader for short ranges in ascending order.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        let block = match &self.backing {
            Backing::Memory(samples) => Cow::Borrowed(samples.as_slice()),
            Backing::File(_) | Backing::Mixed(_) | Backing::LeakRemoved(_) => Cow::Borrowed(&[][..]),
        };
        Cursor { audio: self, from: 0, block }
    }
}

impl fmt::Debug for Audio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backing = match &self.backing {
            Backing::Memory(_) => "in memory",
            Backing::File(_) => "in a file",
            Backing::Mixed(_) => "mixed",
            Backing::LeakRemoved(_) => "cleaned",
        };
        write!(formatter, "Audio({} samples {backing})", self.length)
    }
}

impl Mix {
    fn read(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let mut sum = vec![0.0_f32; range.len()];
        for (part, factor) in &self.parts {
            let samples = part.read(range.clone())?;
            sum.iter_mut().zip(samples.iter()).for_each(|(sum, &sample)| *sum += factor * sample);
        }
        for sample in &mut sum {
            *sample = clean(*sample * self.gain);
        }
        Ok(sum)
    }
}

/// Reads short consecutive ranges of a signal, with one disk access for many of them.
pub struct Cursor<'a> {
    audio: &'a Audio,
    from: usize,
    block: Cow<'a, [f32]>,
}

impl Cursor<'_> {
    /// Number of samples in the whole signal.
    #[must_use]
    pub fn len(&self) -> usize {
        self.audio.len()
    }

    /// True if the signal has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.audio.is_empty()
    }

    /// The samples of a range, clipped to the signal's length.
    ///
    /// # Errors
    /// When they cannot be read back from the disk.
    pub fn slice(&mut self, range: Range<usize>) -> Result<&[f32], SignalError> {
        let end = range.end.min(self.audio.len());
        let start = range.start.min(end);
        if start < self.from || end > self.from + self.block.len() {
            self.block = self.audio.read(start..end.max(start + BLOCK))?;
            self.from = start;
        }
        Ok(self.block.get(start - self.from..end - self.from).unwrap_or_default())
    }
}

/// Makes a sample valid: 0 if it is not finite, else limited to full scale.
pub(super) fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
