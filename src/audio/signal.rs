//! One signal at 16 kHz, read by ranges.
//!
//! Short signals lie in memory, long ones in a scratch file of 16-bit samples ([`Spilled`]), and a mix or a cleaned signal only knows
//! what it is made of. Nobody
//! who reads one can tell, and nobody may hold all of one: four hours are a gigabyte. What is read is in [-1, 1] and finite.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::leak_removed::{Leak, LeakRemoved};
use super::spilled::Spilled;
use super::time::Millis;
use crate::scratch::Scratch;

/// Samples that a reader of a whole signal takes at once: 4 s, 256 KB.
pub const BLOCK: usize = 1 << 16;

/// Decoded audio, or what was made of it, could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// There is no room on the disk; there may be some later.
    #[error("there is no room on the disk for the decoded audio")]
    NoRoom,
    /// The disk failed.
    #[error("the decoded audio could not be kept on the disk: {0}")]
    Lost(#[source] io::Error),
}

impl From<io::Error> for SignalError {
    fn from(error: io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if full { Self::NoRoom } else { Self::Lost(error) }
    }
}

/// One signal at 16 kHz, in [-1, 1] and finite, by construction. Clones share the samples.
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

/// Signals that are added up when they are read.
struct Mix {
    parts: Vec<(Audio, f32)>,
    gain: f32,
}

impl Audio {
    /// Takes samples at 16 kHz; what is not finite becomes silence, what is too loud is clipped. They stay in memory.
    #[must_use]
    pub fn new(mut samples: Vec<f32>) -> Self {
        for sample in &mut samples {
            *sample = clean(*sample);
        }
        Self { length: samples.len(), backing: Backing::Memory(Arc::new(samples)) }
    }

    /// A signal of so many samples whose samples lie in a file.
    pub(super) fn spilled(length: usize, file: Spilled) -> Self {
        Self { length, backing: Backing::File(Arc::new(file)) }
    }

    /// The sum of signals, each multiplied by its own factor and all by `gain`; as long as the longest.
    #[must_use]
    pub fn mixed(parts: Vec<(Self, f32)>, gain: f32) -> Self {
        let length = parts.iter().map(|(part, _)| part.length).max().unwrap_or(0);
        Self { length, backing: Backing::Mixed(Arc::new(Mix { parts, gain })) }
    }

    /// This signal without what leaks into it.
    #[must_use]
    pub(super) fn less(self, leaks: Vec<Leak>) -> Self {
        Self { length: self.length, backing: Backing::LeakRemoved(Arc::new(LeakRemoved { own: self, leaks })) }
    }

    /// How many samples it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Millis {
        Millis::from_sample(self.length)
    }

    /// Where more of its size can be laid that is worked out of it; none when it lies in memory, and so may that.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        match &self.backing {
            Backing::Memory(_) => Scratch::none(),
            Backing::File(spilled) => spilled.scratch(),
            Backing::Mixed(mix) => mix.parts.first().map_or_else(Scratch::none, |(part, _)| part.scratch()),
            Backing::LeakRemoved(less) => less.own.scratch(),
        }
    }

    /// The samples of a range, as far as the signal reaches.
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
            Backing::LeakRemoved(less) => less.read(start..end).map(Cow::Owned),
        }
    }

    /// A range in blocks of so many samples, of which the last may be shorter.
    pub fn blocks(&self, range: Range<usize>, length: usize) -> impl Iterator<Item = Result<Cow<'_, [f32]>, SignalError>> {
        let end = range.end.min(self.length);
        let length = length.max(1);
        (range.start..end).step_by(length).map(move |start| self.read(start..(start + length).min(end)))
    }

    /// For reading short ranges one after the other.
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

/// Reads short ranges of a signal that follow each other, and goes to the disk once for many of them.
pub struct Cursor<'a> {
    audio: &'a Audio,
    from: usize,
    block: Cow<'a, [f32]>,
}

impl Cursor<'_> {
    /// How many samples the whole signal has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.audio.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.audio.is_empty()
    }

    /// The samples of a range, as far as the signal reaches.
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

/// What a sample counts as: silence when it is not finite, full scale when it is too loud.
pub(super) fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
