//! Divides a chunk into windows: where a window ends, and where the next one starts. Pure.
//!
//! Whisper was trained on windows of thirty seconds. Shorter ones are cheaper, since attention grows with the square of the length,
//! and with a little silence after them just as accurate; the length was found by measurement (docs/benchmarks.md). A window ends
//! at a pause. If the model stops early, the next window starts where it stopped.

use std::ops::Range;

use super::packing::quietest;
use super::pass::Pass;
use crate::audio::SAMPLE_RATE;
use crate::audio::time::Millis;

/// The longest window, and its last part in which a pause is searched for, in samples.
const LONGEST: usize = 22 * SAMPLE_RATE as usize;
const CLOSING: usize = 5 * SAMPLE_RATE as usize;
/// The shortest window in samples; whisper.cpp needs a tenth of a second.
const SHORTEST: usize = 1_760;
/// The least amount of undecoded speech for which the next window starts early: when the model signalled that speech goes on, and
/// when it ended the window without a signal.
const SPEECH_LEFT: Millis = Millis(300);
const SPEECH_SKIPPED: Millis = Millis(2000);
/// A window of which less than this (in samples) was decoded is a small step; after this many in a row the rest of a window is
/// skipped.
const SMALL_STEP: usize = 5 * SAMPLE_RATE as usize;
const MOST_SMALL_STEPS: usize = 5;

/// Iterates over the windows of one chunk.
pub(super) struct Windows<'a> {
    samples: &'a [f32],
    speech_between: &'a dyn Fn(Range<usize>) -> Millis,
    from: usize,
    small_steps: usize,
}

impl<'a> Windows<'a> {
    pub(super) fn new(samples: &'a [f32], speech_between: &'a dyn Fn(Range<usize>) -> Millis) -> Self {
        Self { samples, speech_between, from: 0, small_steps: 0 }
    }

    /// The next window in samples of the chunk; none when the rest holds too little speech.
    pub(super) fn window(&self) -> Option<Range<usize>> {
        let rest = &self.samples[self.from..];
        let spoken = self.from == 0 || (self.speech_between)(self.from..self.samples.len()) >= SPEECH_LEFT;
        if rest.len() < SHORTEST || !spoken {
            return None;
        }
        if rest.len() <= LONGEST {
            return Some(self.from..self.samples.len());
        }
        // Enough is left for the last window: on a very short one the model hallucinates.
        let limit = LONGEST.min(rest.len() - CLOSING);
        Some(self.from..self.from + quietest(&rest[..limit], CLOSING).max(SHORTEST))
    }

    /// Moves on to the end of what was decoded of a window, or to the end of the window when the rest holds too little speech.
    pub(super) fn advance(&mut self, window: Range<usize>, pass: &Pass) {
        let decoded = (window.start + pass.decoded_until).min(window.end);
        self.small_steps = if pass.decoded_until < SMALL_STEP { self.small_steps + 1 } else { 0 };
        let enough = if pass.expects_more { SPEECH_LEFT } else { SPEECH_SKIPPED };
        let skip =
            pass.decoded_until == 0 || self.small_steps > MOST_SMALL_STEPS || (self.speech_between)(decoded..window.end) < enough;
        self.from = if skip { window.end } else { decoded };
    }

    /// How much of the chunk has been passed, in percent.
    pub(super) fn percent(&self) -> u8 {
        u8::try_from(100 * self.from / self.samples.len().max(1)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = SAMPLE_RATE as usize;

    fn pass(decoded_until: usize, expects_more: bool) -> Pass {
        Pass { phrases: Vec::new(), decoded_until, expects_more, doubtful: false }
    }

    fn all_speech(part: Range<usize>) -> Millis {
        Millis::from_sample(part.len())
    }

    #[test]
    fn a_window_ends_at_a_pause_and_the_next_begins_there() {
        let mut samples = vec![0.5; 30 * SECOND];
        samples[20 * SECOND..20 * SECOND + SECOND / 4].fill(0.0);
        let mut windows = Windows::new(&samples, &all_speech);
        let first = windows.window().unwrap();
        assert!((20 * SECOND..20 * SECOND + SECOND / 4).contains(&first.end), "{first:?}");
        windows.advance(first.clone(), &pass(first.len(), false));
        assert_eq!(windows.window(), Some(first.end..30 * SECOND));
    }

    #[test]
    fn the_last_window_is_not_too_short() {
        let samples = vec![0.5; LONGEST + SECOND];
        let windows = Windows::new(&samples, &all_speech);
        assert!(samples.len() - windows.window().unwrap().end >= CLOSING);
    }

    #[test]
    fn speech_that_the_model_left_is_in_the_next_window() {
        let samples = vec![0.5; 30 * SECOND];
        for (expects_more, left, from) in
            [(true, SECOND / 2, 17 * SECOND + SECOND / 2), (true, SECOND / 5, 18 * SECOND), (false, SECOND, 18 * SECOND)]
        {
            let mut windows = Windows::new(&samples, &all_speech);
            windows.advance(0..18 * SECOND, &pass(18 * SECOND - left, expects_more));
            assert_eq!(windows.window().unwrap().start, from);
        }
    }

    #[test]
    fn silence_at_the_end_is_skipped() {
        let samples = vec![0.5; 10 * SECOND];
        let speech = |part: Range<usize>| Millis::from_sample(part.end.min(SECOND).saturating_sub(part.start));
        let mut windows = Windows::new(&samples, &speech);
        windows.advance(0..5 * SECOND, &pass(5 * SECOND, false));
        assert_eq!(windows.window(), None);
    }

    #[test]
    fn a_model_that_decodes_little_or_nothing_comes_to_an_end() {
        let samples = vec![0.5; 100 * SECOND];
        for decoded in [0, 1, SECOND] {
            let mut windows = Windows::new(&samples, &all_speech);
            let mut steps = 0;
            while let Some(window) = windows.window() {
                windows.advance(window, &pass(decoded, true));
                steps += 1;
            }
            assert!(steps <= 50, "{steps}");
            assert_eq!(windows.percent(), 100);
        }
    }
}
