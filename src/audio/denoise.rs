//! Noise taken out of a stretch of a signal, for the one who writes down the words (RNNoise).
//!
//! RNNoise is a small recurrent network that turns 22 bands of the spectrum down where it hears no voice. It was trained at 48 kHz, so
//! a stretch is resampled three times up and back down. What comes out has the length of what went in, and every sample is where
//! it was: the delays of the filters and of the network are cut off, and times of words hold.
//!
//! What it heard before decides how it hears. So each stretch is denoised by itself, with what comes before it in the recording as
//! run-in: the result depends on the recording and the range alone.

use std::ops::Range;

use nnnoiseless::DenoiseState;

use super::resample::{Resampler, UnusableRate};
use super::{Audio, SAMPLE_RATE, SignalError};
use crate::stop::Stopped;

/// The rate that RNNoise was trained at, in Hz.
const RATE: u32 = 48_000;
/// RNNoise takes so many samples at once, 10 ms, and gives those it took the time before.
const FRAME: usize = DenoiseState::FRAME_SIZE;
/// RNNoise wants samples in the range of 16-bit integers.
const FULL_SCALE: f32 = 32_768.0;

/// Samples of the recording that RNNoise hears before what is kept, as far as there are any: 1 s, after which it knows the noise.
const RUN_IN: usize = SAMPLE_RATE as usize;
/// Samples that it hears after what is kept, as far as there are any: 64 ms, more than filters and network look ahead.
const RUN_OUT: usize = 1024;

/// Samples that are worked on before it is asked again whether to stop: 1 s, a hundredth of a second of work.
const BLOCK: usize = SAMPLE_RATE as usize;

/// The share of the recording as it was that stays in what comes out, so that noise goes down by 14 dB at most: of what RNNoise leaves
/// alone, the model mishears more (docs/audio.md).
const KEPT_SHARE: f32 = 0.2;

/// A stretch of a signal with what RNNoise has to hear around it.
pub struct Noisy {
    samples: Vec<f32>,
    kept: Range<usize>,
}

impl Noisy {
    /// Reads a range of a signal, as far as the signal reaches.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(signal: &Audio, range: Range<usize>) -> Result<Self, SignalError> {
        let end = range.end.min(signal.len());
        let start = range.start.min(end);
        let first = start.saturating_sub(RUN_IN);
        let samples = signal.read(first..end.saturating_add(RUN_OUT))?.into_owned();
        Ok(Self { samples, kept: start - first..end - first })
    }

    /// How many samples the range has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The samples of the range without noise.
    ///
    /// # Errors
    /// [`Stopped`] when `must_stop` says so, which is asked once a second of audio.
    pub fn cleaned(self, must_stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Stopped> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        // Both rates are fixed and no filter for them can fail; if one ever did, the recording as it is would do.
        let Ok(mut line) = Line::new() else { return Ok(self.samples[self.kept].to_vec()) };
        for block in self.samples.chunks(BLOCK) {
            if must_stop() {
                return Err(Stopped);
            }
            line.push(block);
        }
        let clean = line.finish();
        let mix = |(&clean, &noisy): (&f32, &f32)| (clean + KEPT_SHARE * (noisy - clean)).clamp(-1.0, 1.0);
        Ok(clean[self.kept.clone()].iter().zip(&self.samples[self.kept]).map(mix).collect())
    }
}

/// RNNoise between two resamplers, fed block by block.
struct Line {
    up: Resampler,
    network: Network,
    down: Resampler,
    clean: Vec<f32>,
}

impl Line {
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

    /// All samples that were pushed, without noise.
    fn finish(mut self) -> Vec<f32> {
        self.network.push(self.up.finish().into_iter());
        self.network.end(&mut self.down);
        self.clean.extend(self.down.finish());
        self.clean
    }
}

/// RNNoise, frame by frame, and without its delay.
struct Network {
    state: Box<DenoiseState<'static>>,
    /// Samples at 48 kHz, in the range of RNNoise.
    waiting: Vec<f32>,
    /// Samples of the output that are still delay, to be dropped.
    delay: usize,
}

impl Network {
    fn push(&mut self, samples: impl Iterator<Item = f32>) {
        self.waiting.extend(samples.map(|sample| sample * FULL_SCALE));
    }

    /// Runs every full frame that waits.
    fn work(&mut self, output: &mut Resampler) {
        let whole = self.waiting.len() / FRAME * FRAME;
        let mut clean = [0.0; FRAME];
        for frame in self.waiting[..whole].chunks_exact(FRAME) {
            // What it says besides is how probable a voice is.
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

    /// Runs what waits, and silence, until as many samples have come out as went in.
    fn end(&mut self, output: &mut Resampler) {
        let rest = self.waiting.len();
        let padding = rest.next_multiple_of(FRAME) + FRAME - rest;
        self.waiting.resize(rest + padding, 0.0);
        self.work(output);
    }
}
