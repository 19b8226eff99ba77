//! The channels of one recording, on their way to 16 kHz.
//!
//! Holds each sample once, at 16 kHz; what comes from the decoder is passed on and forgotten.

use super::DecodeError;
use super::stream::Layout;
use crate::audio::Audio;
use crate::audio::resample::Resampler;

/// The channels on their way to 16 kHz.
pub(super) struct Sink {
    /// What the first piece was; it decides how many channels the recording has.
    pub(super) first: Layout,
    rate: u32,
    running: Vec<Resampler>,
    /// What was decoded at an earlier rate, when the rate changed on the way.
    done: Vec<Vec<f32>>,
}

impl Sink {
    pub(super) fn new(layout: Layout) -> Result<Self, DecodeError> {
        let done = vec![Vec::new(); usize::from(layout.channels)];
        Ok(Self { first: layout, rate: layout.rate, running: resamplers(layout)?, done })
    }

    pub(super) fn push(&mut self, layout: Layout, planes: &[Vec<f32>]) -> Result<(), DecodeError> {
        if layout.rate != self.rate {
            let next = resamplers(Layout { rate: layout.rate, channels: self.first.channels })?;
            let ended = std::mem::replace(&mut self.running, next);
            self.done.iter_mut().zip(ended).for_each(|(done, ended)| done.extend(ended.finish()));
            self.rate = layout.rate;
        }
        // Where a joined recording goes on with fewer channels, the last one stands for the missing; additional ones have
        // no counterpart in the beginning and are left out.
        for (index, resampler) in self.running.iter_mut().enumerate() {
            if let Some(plane) = planes.get(index).or(planes.last()) {
                resampler.push(plane);
            }
        }
        Ok(())
    }

    pub(super) fn ready(&self) -> usize {
        self.done.first().map_or(0, Vec::len) + self.running.first().map_or(0, Resampler::ready)
    }

    pub(super) fn finish(self) -> (Layout, Vec<Audio>) {
        let channels = self.done.into_iter().zip(self.running).map(|(mut done, running)| {
            let rest = running.finish();
            if done.is_empty() {
                return Audio::new(rest);
            }
            done.extend(rest);
            Audio::new(done)
        });
        (self.first, channels.collect())
    }
}

fn resamplers(layout: Layout) -> Result<Vec<Resampler>, DecodeError> {
    (0..layout.channels)
        .map(|_| Resampler::new(layout.rate))
        .collect::<Result<_, _>>()
        .map_err(|error| DecodeError::Invalid { reason: error.to_string() })
}
