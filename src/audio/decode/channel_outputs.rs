//! Resamples the channels of a recording to 16 kHz, measures them and stores them.
//!
//! Each sample is stored once, at 16 kHz; decoded audio is passed on immediately. When the channels together exceed
//! their memory limit, all of them continue in scratch files.

use super::stream::Layout;
use super::{DecodeError, DecodeLimits};
use crate::audio::levels::{Levels, Meter};
use crate::audio::low_cut::{LowFrequencyMeter, low_cut};
use crate::audio::resample::Resampler;
use crate::audio::signal_writer::SignalWriter;
use crate::audio::{Audio, SignalError};
use crate::scratch::Scratch;

/// Samples that are resampled at a time.
const PIECE: usize = 1 << 16;

/// The outputs of all channels.
pub(super) struct ChannelOutputs {
    /// Layout of the first piece, which determines the number of channels.
    pub(super) first: Layout,
    rate: u32,
    /// Maximum bytes of memory for all channels together.
    max_memory_bytes: usize,
    resamplers: Vec<Resampler>,
    outputs: Vec<ChannelOutput>,
}

/// The 16 kHz output of one channel.
struct ChannelOutput {
    meter: Meter,
    low_frequencies: LowFrequencyMeter,
    samples: SignalWriter,
}

impl ChannelOutput {
    fn push(&mut self, samples: &[f32]) -> Result<(), SignalError> {
        self.meter.push(samples);
        self.low_frequencies.push(samples);
        self.samples.push(samples)
    }

    /// The signal with its corrections applied.
    fn finish(self) -> Result<Audio, SignalError> {
        let audio = self.samples.finish(self.meter.correction())?;
        if self.low_frequencies.dominates(self.meter.energy()) { low_cut(audio) } else { Ok(audio) }
    }
}

/// All channels of a recording at 16 kHz.
pub(super) struct DecodedChannels {
    pub(super) first: Layout,
    pub(super) channels: Vec<Audio>,
    pub(super) levels: Vec<Levels>,
}

impl ChannelOutputs {
    pub(super) fn new(layout: Layout, limits: &DecodeLimits, scratch: &Scratch) -> Result<Self, DecodeError> {
        let outputs = (0..layout.channels)
            .map(|_| ChannelOutput {
                meter: Meter::default(),
                low_frequencies: LowFrequencyMeter::new(),
                samples: SignalWriter::new(scratch.clone()),
            })
            .collect();
        let resamplers = new_resamplers(layout)?;
        Ok(Self { first: layout, rate: layout.rate, max_memory_bytes: limits.max_memory_bytes, resamplers, outputs })
    }

    pub(super) fn push(&mut self, layout: Layout, planes: &[Vec<f32>]) -> Result<(), DecodeError> {
        if layout.rate != self.rate {
            let next = new_resamplers(Layout { rate: layout.rate, channels: self.first.channels })?;
            let ended = std::mem::replace(&mut self.resamplers, next);
            for (output, ended) in self.outputs.iter_mut().zip(ended) {
                output.push(&ended.finish())?;
            }
            self.rate = layout.rate;
        }
        // If a joined recording continues with fewer channels, the last one stands in for the missing ones; additional
        // channels are ignored, as they have no counterpart at the beginning.
        for (index, (resampler, output)) in self.resamplers.iter_mut().zip(&mut self.outputs).enumerate() {
            if let Some(plane) = planes.get(index).or(planes.last()) {
                // A long piece at a low rate would become many times as long at once.
                for part in plane.chunks(PIECE) {
                    resampler.push(part);
                    output.push(resampler.take().as_slice())?;
                }
            }
        }
        self.make_room()
    }

    /// Number of samples per channel at 16 kHz so far.
    pub(super) fn ready(&self) -> usize {
        self.outputs.first().map_or(0, |output| output.samples.len())
    }

    pub(super) fn finish(mut self) -> Result<DecodedChannels, DecodeError> {
        for (output, resamplers) in self.outputs.iter_mut().zip(std::mem::take(&mut self.resamplers)) {
            output.push(&resamplers.finish())?;
        }
        self.make_room()?;
        let levels = self.outputs.iter().map(|output| output.meter.levels()).collect();
        let finished = self.outputs.into_iter().map(ChannelOutput::finish);
        Ok(DecodedChannels { first: self.first, channels: finished.collect::<Result<_, _>>()?, levels })
    }

    fn make_room(&mut self) -> Result<(), DecodeError> {
        let in_memory: usize = self.outputs.iter().map(|output| output.samples.bytes_in_memory()).sum();
        // Channels in files buffer up to a block each, which may exceed the limit; they never return to memory.
        if in_memory > self.max_memory_bytes && !self.outputs.iter().all(|output| output.samples.is_spilled()) {
            for output in &mut self.outputs {
                output.samples.spill()?;
            }
        }
        Ok(())
    }
}

fn new_resamplers(layout: Layout) -> Result<Vec<Resampler>, DecodeError> {
    (0..layout.channels)
        .map(|_| Resampler::new(layout.rate))
        .collect::<Result<_, _>>()
        .map_err(|error| DecodeError::Invalid { reason: error.to_string() })
}
