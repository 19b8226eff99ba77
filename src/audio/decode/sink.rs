//! The channels of one recording, on their way to 16 kHz.
//!
//! Holds each sample once, at 16 kHz; what comes from the decoder is passed on and forgotten. When the channels together need
//! more memory than they may have, all of them go on in scratch files.

use super::stream::Layout;
use super::{DecodeError, DecodeLimits};
use crate::audio::Audio;
use crate::audio::resample::Resampler;
use crate::audio::writer::Writer;
use crate::scratch::Scratch;

/// The channels on their way to 16 kHz.
pub(super) struct Sink {
    /// What the first piece was; it decides how many channels the recording has.
    pub(super) first: Layout,
    rate: u32,
    /// Bytes of memory that all channels together may take.
    most_in_memory: usize,
    running: Vec<Resampler>,
    done: Vec<Writer>,
}

impl Sink {
    pub(super) fn new(layout: Layout, limits: &DecodeLimits, scratch: &Scratch) -> Result<Self, DecodeError> {
        let done = (0..layout.channels).map(|_| Writer::new(scratch.clone())).collect();
        let running = resamplers(layout)?;
        Ok(Self { first: layout, rate: layout.rate, most_in_memory: limits.most_in_memory, running, done })
    }

    pub(super) fn push(&mut self, layout: Layout, planes: &[Vec<f32>]) -> Result<(), DecodeError> {
        if layout.rate != self.rate {
            let next = resamplers(Layout { rate: layout.rate, channels: self.first.channels })?;
            let ended = std::mem::replace(&mut self.running, next);
            for (done, ended) in self.done.iter_mut().zip(ended) {
                done.push(&ended.finish())?;
            }
            self.rate = layout.rate;
        }
        // Where a joined recording goes on with fewer channels, the last one stands for the missing; additional ones have
        // no counterpart in the beginning and are left out.
        for (index, (resampler, done)) in self.running.iter_mut().zip(&mut self.done).enumerate() {
            if let Some(plane) = planes.get(index).or(planes.last()) {
                resampler.push(plane);
                done.push(resampler.take().as_slice())?;
            }
        }
        self.make_room()
    }

    /// Samples at 16 kHz so far.
    pub(super) fn ready(&self) -> usize {
        self.done.first().map_or(0, Writer::len)
    }

    pub(super) fn finish(mut self) -> Result<(Layout, Vec<Audio>), DecodeError> {
        for (done, running) in self.done.iter_mut().zip(std::mem::take(&mut self.running)) {
            done.push(&running.finish())?;
        }
        self.make_room()?;
        let channels = self.done.into_iter().map(Writer::finish).collect::<Result<_, _>>()?;
        Ok((self.first, channels))
    }

    fn make_room(&mut self) -> Result<(), DecodeError> {
        let in_memory: usize = self.done.iter().map(Writer::bytes_in_memory).sum();
        // Those in files keep at most a block each, which may be more than what is allowed: once they are there, they stay.
        if in_memory > self.most_in_memory && !self.done.iter().all(Writer::is_spilled) {
            for done in &mut self.done {
                done.spill()?;
            }
        }
        Ok(())
    }
}

fn resamplers(layout: Layout) -> Result<Vec<Resampler>, DecodeError> {
    (0..layout.channels)
        .map(|_| Resampler::new(layout.rate))
        .collect::<Result<_, _>>()
        .map_err(|error| DecodeError::Invalid { reason: error.to_string() })
}
