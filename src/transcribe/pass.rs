//! What one run of the model gave: its stream of text and time marks, read into phrases.
//!
//! The model writes a mark, text, a mark, and either ends or writes the next phrase's mark. Two marks at the end say that
//! speech goes on behind them, which was not heard yet. Pure.

use std::ops::Range;

use super::doubt::Doubt;
use super::words::{Phrase, Token};

/// When a token was said, as far as it is known.
pub(super) enum Said {
    /// From the end of the token before until then.
    Until(usize),
    /// In this stretch.
    Within(Range<usize>),
}

/// What one run of the model gave.
#[derive(Debug, PartialEq)]
pub(super) struct Pass {
    /// In order; times in samples from the start of the pass.
    pub(super) phrases: Vec<Phrase>,
    /// Up to where the model has listened.
    pub(super) heard: usize,
    /// Whether it said itself that there is more.
    pub(super) expects_more: bool,
    /// Whether it is hardly what was said.
    pub(super) doubtful: bool,
}

/// Takes the model's tokens one by one.
pub(super) struct PassReader {
    length: usize,
    phrases: Vec<Phrase>,
    open: Phrase,
    /// The last mark.
    mark: usize,
    /// Marks since the last text.
    marks: usize,
    /// The end of the token before.
    said: usize,
    no_speech: f32,
    doubt: Doubt,
}

impl PassReader {
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            phrases: Vec::new(),
            open: Phrase::default(),
            mark: 0,
            marks: 0,
            said: 0,
            no_speech: 0.0,
            doubt: Doubt::default(),
        }
    }

    pub(super) fn no_speech(&mut self, probability: f32) {
        self.no_speech = probability;
    }

    /// Every token, marks too, before it is read as what it is.
    pub(super) fn token(&mut self, id: i32, probability: f32) {
        self.doubt.token(id, probability);
    }

    pub(super) fn mark(&mut self, sample: usize) {
        self.mark = sample.clamp(self.mark, self.length.max(self.mark));
        self.marks += 1;
        self.said = self.said.max(self.mark);
        self.close(self.mark);
    }

    pub(super) fn text(&mut self, bytes: &[u8], probability: f32, said: Said) {
        if self.open.tokens.is_empty() {
            self.open.span.start = self.mark;
        }
        let span = match said {
            Said::Until(end) => self.said..end.max(self.said),
            Said::Within(span) => span,
        };
        self.said = span.end;
        self.marks = 0;
        self.open.tokens.push(Token { bytes: bytes.to_vec(), probability, span });
    }

    /// `most` is the number of tokens at which the model was cut off.
    pub(super) fn finish(mut self, most: usize) -> Pass {
        let unfinished = !self.open.tokens.is_empty();
        self.close(self.length);
        let expects_more = self.marks >= 2 && !self.phrases.is_empty();
        // Text without a closing mark goes on to the end.
        let heard = if unfinished || self.phrases.is_empty() { self.length } else { self.mark };
        let doubtful = self.doubt.is_justified(most, self.no_speech);
        Pass { phrases: self.phrases, heard: heard.min(self.length), expects_more, doubtful }
    }

    fn close(&mut self, end: usize) {
        let mut phrase = std::mem::take(&mut self.open);
        if !phrase.tokens.is_empty() {
            phrase.span.end = end;
            phrase.no_speech = self.no_speech;
            self.phrases.push(phrase);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[Result<usize, &str>]) -> Pass {
        let mut reader = PassReader::new(1000);
        for part in stream {
            match part {
                Ok(sample) => reader.mark(*sample),
                Err(text) => reader.text(text.as_bytes(), 1.0, Said::Until(0)),
            }
        }
        reader.finish(usize::MAX)
    }

    fn spans(pass: &Pass) -> Vec<Range<usize>> {
        pass.phrases.iter().map(|phrase| phrase.span.clone()).collect()
    }

    #[test]
    fn a_phrase_lies_between_its_marks() {
        let pass = read(&[Ok(10), Err(" one"), Ok(300), Ok(320), Err(" two"), Err(" three"), Ok(700)]);
        assert_eq!(spans(&pass), [10..300, 320..700]);
        assert_eq!((pass.heard, pass.expects_more), (700, false));
    }

    #[test]
    fn two_marks_at_the_end_say_that_there_is_more() {
        let pass = read(&[Ok(0), Err(" one"), Ok(300), Ok(300)]);
        assert_eq!((pass.heard, pass.expects_more), (300, true));
    }

    #[test]
    fn text_without_a_closing_mark_goes_on_to_the_end() {
        let pass = read(&[Ok(0), Err(" one"), Ok(300), Ok(400), Err(" two")]);
        assert_eq!(spans(&pass), [0..300, 400..1000]);
        assert_eq!((pass.heard, pass.expects_more), (1000, false));
    }

    #[test]
    fn silence_is_heard_to_its_end() {
        for stream in [&[][..], &[Ok(0)], &[Ok(0), Ok(0)]] {
            let pass = read(stream);
            assert_eq!((pass.phrases.len(), pass.heard, pass.expects_more), (0, 1000, false));
        }
    }

    #[test]
    fn odd_marks_do_no_harm() {
        let pass = read(&[Ok(5000), Err(" one"), Ok(20), Err(" two"), Ok(usize::MAX)]);
        assert!(pass.heard <= 1000);
    }
}
