//! Joins the model's tokens into words with times.
//!
//! A token is a few bytes of UTF-8 with a probability and a time in its chunk. A token with a leading space starts a word; in
//! scripts without spaces every token that starts with a character does. Characters may be split over tokens, so text is decoded
//! from the bytes of whole words, never of single tokens. Pure.

use std::ops::Range;

/// A text token of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Bytes of UTF-8, not necessarily whole characters.
    pub bytes: Vec<u8>,
    /// The model's probability of this token, 0 to 1.
    pub probability: f32,
    /// Its start and end, in samples of its chunk.
    pub span: Range<usize>,
}

/// A phrase: the text between two timestamps of the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phrase {
    /// The tokens in order.
    pub tokens: Vec<Token>,
    /// The two timestamps, in samples of its chunk.
    pub span: Range<usize>,
    /// The model's probability that there is no speech in the window.
    pub no_speech: f32,
}

impl Phrase {
    /// The same with all times moved by this number of samples.
    #[must_use]
    pub fn later_by(mut self, samples: usize) -> Self {
        let later = |span: &Range<usize>| span.start + samples..span.end + samples;
        self.span = later(&self.span);
        for token in &mut self.tokens {
            token.span = later(&token.span);
        }
        self
    }
}

/// A word with times relative to its chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkWord {
    /// The word with its punctuation, without white space; never empty.
    pub text: String,
    /// Its start and end, in samples of its chunk.
    pub span: Range<usize>,
    /// The mean probability of its tokens, 0 to 1.
    pub confidence: f32,
}

/// Splits a phrase into words. Bytes that are not UTF-8 even when tokens are joined are dropped.
#[must_use]
pub fn words(phrase: &Phrase) -> Vec<ChunkWord> {
    let mut words: Vec<ChunkWord> = Vec::new();
    let mut open: Vec<&Token> = Vec::new();
    for (index, token) in phrase.tokens.iter().enumerate() {
        let complete = open.is_empty() || std::str::from_utf8(&joined(&open)).is_ok();
        if complete && begins_word(&token.bytes, phrase.tokens.get(index + 1)) {
            words.extend(close(&open));
            open.clear();
        }
        open.push(token);
    }
    words.extend(close(&open));
    words
}

fn joined(tokens: &[&Token]) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.bytes.iter().copied()).collect()
}

/// Whether a token starts a new word: it has a leading space, or is a character of a script without spaces.
fn begins_word(bytes: &[u8], next: Option<&Token>) -> bool {
    if bytes.first().is_some_and(u8::is_ascii_whitespace) {
        return true;
    }
    // The first character may continue in the next token.
    let mut start = bytes.to_vec();
    start.extend(next.iter().flat_map(|token| token.bytes.iter().copied()));
    first_character(&start).is_some_and(is_written_without_spaces)
}

fn first_character(bytes: &[u8]) -> Option<char> {
    let prefix = &bytes[..bytes.len().min(4)];
    (1..=prefix.len()).find_map(|length| std::str::from_utf8(&prefix[..length]).ok()).and_then(|text| text.chars().next())
}

/// Han, kana, Thai, Lao, Khmer, Burmese, Tibetan: scripts that put no spaces between words.
fn is_written_without_spaces(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x0F00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF
        | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F)
}

/// The word that the open tokens form; none when they have no visible text.
fn close(open: &[&Token]) -> Option<ChunkWord> {
    let (first, last) = (open.first()?, open.last()?);
    let bytes = joined(open);
    let text: String =
        String::from_utf8_lossy(&bytes).chars().filter(|&c| c != char::REPLACEMENT_CHARACTER && !c.is_control()).collect();
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let confidence = open.iter().map(|token| token.probability).sum::<f32>() / open.len() as f32;
    // Punctuation is not spoken: the word ends with the last token that is.
    let end = open.iter().rev().find(|token| is_spoken(&token.bytes)).unwrap_or(last).span.end;
    Some(ChunkWord {
        text: text.to_owned(),
        span: first.span.start..end.max(first.span.start),
        confidence: if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.0 },
    })
}

fn is_spoken(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrase(parts: &[&[u8]]) -> Phrase {
        let token = |(index, bytes): (usize, &&[u8])| Token {
            bytes: bytes.to_vec(),
            probability: 0.5,
            span: index * 10..(index + 1) * 10,
        };
        Phrase { tokens: parts.iter().enumerate().map(token).collect(), ..Phrase::default() }
    }

    fn texts(parts: &[&[u8]]) -> Vec<String> {
        words(&phrase(parts)).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_leading_space_starts_a_word() {
        assert_eq!(texts(&[b" My", b" net", b"work", b"'s", b" down", b"."]), ["My", "network's", "down."]);
        assert_eq!(texts(&[b"Hi", b",", b" ", b"Bob"]), ["Hi,", "Bob"]);
        assert!(texts(&[b" ", b"  "]).is_empty());
    }

    #[test]
    fn a_word_lasts_from_its_first_token_to_its_last_spoken_one() {
        let found = words(&phrase(&[b" net", b"work", b"."]));
        assert_eq!((found[0].span.clone(), found[0].confidence), (0..20, 0.5));
    }

    #[test]
    fn a_character_may_be_split_over_tokens() {
        let text = " привет".as_bytes();
        assert_eq!(texts(&[&text[..4], &text[4..8], &text[8..]]), ["привет"]);
        assert_eq!(texts(&[b" a", &[0xD0], b" b"]), ["a b"]);
    }

    #[test]
    fn scripts_without_spaces_are_cut_by_character() {
        let text = "你好。".as_bytes();
        assert_eq!(texts(&[&text[..2], &text[2..3], &text[3..6], &text[6..]]), ["你", "好。"]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_valid_words_in_order(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..30)) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let found = words(&phrase(&parts));
            prop_assert!(found.iter().all(|word| !word.text.trim().is_empty() && word.span.start <= word.span.end));
            prop_assert!(found.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
        }
    }
}
