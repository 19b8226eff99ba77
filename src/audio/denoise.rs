//! Noise suppression with RNNoise, for transcription only.
//!
//! RNNoise is a small recurrent network that attenuates 22 bands of the spectrum where it detects no voice. It was
//! trained at 48 kHz, so a range is upsampled by three and downsampled again. The output has the length of the input
//! and every sample keeps its position: delays of filters and network are removed, so word times stay valid.
//!
//! The network's state depends on what it processed before. Each range is therefore denoised separately, with the audio
//! before it as run-in, so that the result depends only on the recording and the range.

use std::ops::Range;

use nnnoiseless::DenoiseState;

use super::resample::{Resampler, UnusableRate};
use super::{Audio, SAMPLE_RATE, SignalError};
use crate::stop::Stopped;

/// The sample rate of RNNoise's training data, in Hz.
const RATE: u32 = 48_000;
/// Samples per frame of RNNoise, 10 ms; its output is delayed by one frame.
const FRAME: usize = DenoiseState::FRAME_SIZE;
/// Scale of RNNoise's samples, that of 16-bit integers.
const FULL_SCALE: f32 = 32_768.0;

/// Samples of run-in before the range, where available: 1 s, after which the network has adapted to the noise.
const RUN_IN: usize = SAMPLE_RATE as usize;
/// Samples after the range, where available: 64 ms, more than filters and network look ahead.
const RUN_OUT: usize = 1024;

/// Samples processed between two checks of the stop signal: 1 s, about 10 ms of work.
const BLOCK: usize = SAMPLE_RATE as usize;

/// Share of the original signal that is mixed in, which limits the attenuation of noise to 14 dB; with stronger
/// suppression the model makes more errors (docs/experiments.md).
const KEPT_SHARE: f32 = 0.2;

/// A range of a signal with the context that RNNoise needs around it.
pub struct Noisy {
    samples: Vec<f32>,
    kept: Range<usize>,
}

impl Noisy {
    /// Reads a range of a signal, clipped to its length.
    ///
    /// # Errors
    /// When the signal cannot be read.
    pub fn read(signal: &Audio, range: Range<usize>) -> Result<Self, SignalError> {
        let end = range.end.min(signal.len());
        let start = range.start.min(end);
        let first = start.saturating_sub(RUN_IN);
        let samples = signal.read(first..end.saturating_add(RUN_OUT))?.into_owned();
        Ok(Self { samples, kept: start - first..end - first })
    }

    /// Number of samples in the range.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True if the range has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns the samples of the range with the noise suppressed.
    ///
    /// # Errors
    /// [`Stopped`] when `must_stop` returns true; it is called once per second of audio.
    pub fn cleaned(self, must_stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Stopped> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        // Both rates are fixed, so this cannot fail; if it ever did, the original samples are returned.
        let Ok(mut chain) = DenoiseChain::new() else { return Ok(self.samples[self.kept].to_vec()) };
        for block in self.samples.chunks(BLOCK) {
            if must_stop() {
                return Err(Stopped);
            }
            chain.push(block);
        }
        let clean = chain.finish();
        let mix = |(&clean, &noisy): (&f32, &f32)| (clean + KEPT_SHARE * (noisy - clean)).clamp(-1.0, 1.0);
        Ok(clean[self.kept.clone()].iter().zip(&self.samples[self.kept]).map(mix).collect())
    }
}

/// RNNoise between two resamplers, fed block by block.
struct DenoiseChain {
    up: Resampler,
    network: Network,
    down: Resampler,
    clean: Vec<f32>,
}

impl DenoiseChain {
    fn new() -> Result<Self, UnusableRate> {
        let network = Network { state: DenoiseState::new(), waiting: Vec::new(), delay: FRAME };
        Ok(Self { up: Resampler::between(SAMPLE_RATE, RATE)?, network, down: Resampler::new(RATE)?, clean: Vec::new() })
    }

    fn push(&mut self, samples: &[f32]) {
        self.up.push(samples);
        self.network.push(self.up.take());
        self.network.work(&mut self.down);
        self.clean.extend(self.down.take());
    }

    /// All samples that were pushed, with the noise suppressed.
    fn finish(mut self) -> Vec<f32> {
        self.network.push(self.up.finish().into_iter());
        self.network.end(&mut self.down);
        self.clean.extend(self.down.finish());
        self.clean
    }
}

/// RNNoise, frame by frame, with its delay removed.
struct Network {
    state: Box<DenoiseState<'static>>,
    /// Samples at 48 kHz, in RNNoise's scale, that do not fill a frame yet.
    waiting: Vec<f32>,
    /// Delay still to be dropped from the output, in samples.
    delay: usize,
}

impl Network {
    fn push(&mut self, samples: impl Iterator<Item = f32>) {
        self.waiting.extend(samples.map(|sample| sample * FULL_SCALE));
    }

    /// Processes all complete frames.
    fn work(&mut self, output: &mut Resampler) {
        let whole = self.waiting.len() / FRAME * FRAME;
        let mut clean = [0.0; FRAME];
        for frame in self.waiting[..whole].chunks_exact(FRAME) {
            // The return value is the probability of a voice.
            let _voice = self.state.process_frame(&mut clean, frame);
            for sample in &mut clean {
                *sample /= FULL_SCALE;
            }
            let dropped = self.delay.min(FRAME);
            self.delay -= dropped;
            output.push(&clean[dropped..]);
        }
        self.waiting.drain(..whole);
    }

    /// Processes the remaining samples, padded with silence, until the output is as long as the input.
    fn end(&mut self, output: &mut Resampler) {
        let rest = self.waiting.len();
        let padding = rest.next_multiple_of(FRAME) + FRAME - rest;
        self.waiting.resize(rest + padding, 0.0);
        self.work(output);
    }
}
