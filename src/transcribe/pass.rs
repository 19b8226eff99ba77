//! One pass of the model over a window: its stream of text tokens and timestamp tokens, parsed into phrases.
//!
//! The model writes a timestamp, text and a timestamp, and then either ends or writes the next phrase's timestamp. Two timestamps
//! at the end mean that speech goes on after them that has not been decoded yet. Pure.

use std::ops::Range;

use super::doubt::Doubt;
use super::words::{Phrase, Token};

/// The time of a token, as far as it is known, in samples of the window.
pub(super) enum TokenTime {
    /// From the end of the previous token until this sample.
    Until(usize),
    /// Both ends are known.
    Within(Range<usize>),
}

/// The result of one pass.
#[derive(Debug, PartialEq)]
pub(super) struct Pass {
    /// In order; times are in samples of the window.
    pub(super) phrases: Vec<Phrase>,
    /// The end of what the model has decoded, in samples of the window.
    pub(super) decoded_until: usize,
    /// Whether the model signalled that speech goes on.
    pub(super) expects_more: bool,
    /// Whether the text is probably wrong.
    pub(super) doubtful: bool,
}

/// Parses the tokens of a pass one by one.
pub(super) struct PassReader {
    length: usize,
    phrases: Vec<Phrase>,
    open: Phrase,
    /// The last timestamp, in samples.
    timestamp: usize,
    /// The number of timestamps since the last text.
    timestamps: usize,
    /// The end of the previous token.
    token_end: usize,
    no_speech: f32,
    doubt: Doubt,
}

impl PassReader {
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            phrases: Vec::new(),
            open: Phrase::default(),
            timestamp: 0,
            timestamps: 0,
            token_end: 0,
            no_speech: 0.0,
            doubt: Doubt::default(),
        }
    }

    /// Sets the model's no-speech probability of the window.
    pub(super) fn no_speech(&mut self, probability: f32) {
        self.no_speech = probability;
    }

    /// Takes note of any token, including timestamps; to be called before [`Self::timestamp`] or [`Self::text`].
    pub(super) fn token(&mut self, id: i32, probability: f32) {
        self.doubt.token(id, probability);
    }

    /// Takes a timestamp, which ends the open phrase.
    pub(super) fn timestamp(&mut self, sample: usize) {
        self.timestamp = sample.clamp(self.timestamp, self.length.max(self.timestamp));
        self.timestamps += 1;
        self.token_end = self.token_end.max(self.timestamp);
        self.close(self.timestamp);
    }

    /// Takes a text token; `bytes` need not be whole characters.
    pub(super) fn text(&mut self, bytes: &[u8], probability: f32, time: TokenTime) {
        if self.open.tokens.is_empty() {
            self.open.span.start = self.timestamp;
        }
        let span = match time {
            TokenTime::Until(end) => self.token_end..end.max(self.token_end),
            TokenTime::Within(span) => span,
        };
        self.token_end = span.end;
        self.timestamps = 0;
        self.open.tokens.push(Token { bytes: bytes.to_vec(), probability, span });
    }

    /// Ends the pass. `most` is the number of tokens at which the model is cut off.
    pub(super) fn finish(mut self, most: usize) -> Pass {
        let unfinished = !self.open.tokens.is_empty();
        self.close(self.length);
        let expects_more = self.timestamps >= 2 && !self.phrases.is_empty();
        // Text without a closing timestamp lasts until the end of the window.
        let decoded_until = if unfinished || self.phrases.is_empty() { self.length } else { self.timestamp };
        let doubtful = self.doubt.is_justified(most, self.no_speech);
        Pass { phrases: self.phrases, decoded_until: decoded_until.min(self.length), expects_more, doubtful }
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
                Ok(sample) => reader.timestamp(*sample),
                Err(text) => reader.text(text.as_bytes(), 1.0, TokenTime::Until(0)),
            }
        }
        reader.finish(usize::MAX)
    }

    fn spans(pass: &Pass) -> Vec<Range<usize>> {
        pass.phrases.iter().map(|phrase| phrase.span.clone()).collect()
    }

    #[test]
    fn a_phrase_lies_between_its_timestamps() {
        let pass = read(&[Ok(10), Err(" one"), Ok(300), Ok(320), Err(" two"), Err(" three"), Ok(700)]);
        assert_eq!(spans(&pass), [10..300, 320..700]);
        assert_eq!((pass.decoded_until, pass.expects_more), (700, false));
    }

    #[test]
    fn two_timestamps_at_the_end_mean_that_there_is_more() {
        let pass = read(&[Ok(0), Err(" one"), Ok(300), Ok(300)]);
        assert_eq!((pass.decoded_until, pass.expects_more), (300, true));
    }

    #[test]
    fn text_without_a_closing_timestamp_lasts_until_the_end() {
        let pass = read(&[Ok(0), Err(" one"), Ok(300), Ok(400), Err(" two")]);
        assert_eq!(spans(&pass), [0..300, 400..1000]);
        assert_eq!((pass.decoded_until, pass.expects_more), (1000, false));
    }

    #[test]
    fn silence_is_decoded_to_its_end() {
        for stream in [&[][..], &[Ok(0)], &[Ok(0), Ok(0)]] {
            let pass = read(stream);
            assert_eq!((pass.phrases.len(), pass.decoded_until, pass.expects_more), (0, 1000, false));
        }
    }

    #[test]
    fn odd_timestamps_do_no_harm() {
        let pass = read(&[Ok(5000), Err(" one"), Ok(20), Err(" two"), Ok(usize::MAX)]);
        assert!(pass.decoded_until <= 1000);
    }
}
