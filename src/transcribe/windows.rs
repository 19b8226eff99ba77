//! How a chunk is heard window by window: where a window ends, and where the next begins. Pure.
//!
//! Whisper was trained on windows of thirty seconds. Shorter ones are cheaper (attention grows with the square, whatever they
//! hold), and with a little silence behind them as good; how long was chosen by measuring (docs/benchmarks.md). A window ends at
//! a pause. Where the model closes a window early, the next begins where it stopped.

use std::ops::Range;

use super::packing::quietest;
use super::pass::Pass;
use crate::audio::SAMPLE_RATE;
use crate::audio::time::Millis;

/// The longest window, and the last part of it in which a pause is looked for.
const LONGEST: usize = 22 * SAMPLE_RATE as usize;
const CLOSING: usize = 5 * SAMPLE_RATE as usize;
/// whisper.cpp takes no less than a tenth of a second.
const SHORTEST: usize = 1_760;
/// Speech that is worth going back for: when the model marked that it goes on, and when it closed the window without a sign.
const SPEECH_LEFT: Millis = Millis(300);
const SPEECH_SKIPPED: Millis = Millis(2000);
/// A window of which less than this was heard is a small step; after so many of them the rest of one is passed over.
const SMALL_STEP: usize = 5 * SAMPLE_RATE as usize;
const MOST_SMALL_STEPS: usize = 5;

/// The way through one chunk.
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

    /// The window that comes next, if there is one.
    pub(super) fn window(&self) -> Option<Range<usize>> {
        let rest = &self.samples[self.from..];
        let spoken = self.from == 0 || (self.speech_between)(self.from..self.samples.len()) >= SPEECH_LEFT;
        if rest.len() < SHORTEST || !spoken {
            return None;
        }
        if rest.len() <= LONGEST {
            return Some(self.from..self.samples.len());
        }
        // Something worth listening to is left for the last window: from a scrap the model makes things up.
        let limit = LONGEST.min(rest.len() - CLOSING);
        Some(self.from..self.from + quietest(&rest[..limit], CLOSING).max(SHORTEST))
    }

    /// Goes on behind what was heard of a window, or behind the window when what is left of it is not worth it.
    pub(super) fn advance(&mut self, window: Range<usize>, pass: &Pass) {
        let heard = (window.start + pass.heard).min(window.end);
        self.small_steps = if pass.heard < SMALL_STEP { self.small_steps + 1 } else { 0 };
        let enough = if pass.expects_more { SPEECH_LEFT } else { SPEECH_SKIPPED };
        let skip = pass.heard == 0 || self.small_steps > MOST_SMALL_STEPS || (self.speech_between)(heard..window.end) < enough;
        self.from = if skip { window.end } else { heard };
    }

    pub(super) fn percent(&self) -> u8 {
        u8::try_from(100 * self.from / self.samples.len().max(1)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = SAMPLE_RATE as usize;

    fn pass(heard: usize, expects_more: bool) -> Pass {
        Pass { phrases: Vec::new(), heard, expects_more, doubtful: false }
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
    fn the_last_window_is_no_scrap() {
        let samples = vec![0.5; LONGEST + SECOND];
        let windows = Windows::new(&samples, &all_speech);
        assert!(samples.len() - windows.window().unwrap().end >= CLOSING);
    }

    #[test]
    fn what_the_model_left_is_heard_in_the_next_window() {
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
    fn silence_at_the_end_is_left_out() {
        let samples = vec![0.5; 10 * SECOND];
        let speech = |part: Range<usize>| Millis::from_sample(part.end.min(SECOND).saturating_sub(part.start));
        let mut windows = Windows::new(&samples, &speech);
        windows.advance(0..5 * SECOND, &pass(5 * SECOND, false));
        assert_eq!(windows.window(), None);
    }

    #[test]
    fn a_model_that_hears_nothing_or_little_does_not_keep_the_thread_for_ever() {
        let samples = vec![0.5; 100 * SECOND];
        for heard in [0, 1, SECOND] {
            let mut windows = Windows::new(&samples, &all_speech);
            let mut steps = 0;
            while let Some(window) = windows.window() {
                windows.advance(window, &pass(heard, true));
                steps += 1;
            }
            assert!(steps <= 50, "{steps}");
            assert_eq!(windows.percent(), 100);
        }
    }
}
