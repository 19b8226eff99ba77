//! What was heard in one window, and the language, as checkpoints keep them, and back.
//!
//! The windows of a chunk follow from one another: each begins where the model stopped in the one before. So a window is named
//! by its chunk and its beginning, and holds what was heard and where the model stopped; the way through the chunk is then walked again,
//! and ends where it did. Probabilities are kept as their bits: what is recalled is what was heard, to the last digit.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Language;
use super::pass::Pass;
use super::words::{Phrase, Token};
use crate::checkpoints::Checkpoints;

/// The name under which the language is kept.
const LANGUAGE: &str = "language";

/// No time in a window is later than this, in samples: a minute. Windows are shorter by far; it keeps sums small.
const LATEST: usize = 60 * crate::audio::SAMPLE_RATE as usize;

/// The windows of one chunk.
pub(super) struct WindowCheckpoints {
    checkpoints: Checkpoints,
    chunk: usize,
}

#[derive(Serialize, Deserialize)]
struct WindowRecord {
    /// In samples of the chunk.
    end: usize,
    /// In samples of the window, as all that follow.
    heard: usize,
    expects_more: bool,
    phrases: Vec<PhraseRecord>,
}

#[derive(Serialize, Deserialize)]
struct PhraseRecord {
    from: usize,
    to: usize,
    no_speech_bits: u32,
    tokens: Vec<TokenRecord>,
}

/// The bytes of a token, the bits of its probability, its beginning and its end: the bulk of the file, hence without names.
#[derive(Serialize, Deserialize)]
struct TokenRecord(Vec<u8>, u32, usize, usize);

#[derive(Serialize, Deserialize)]
struct LanguageRecord {
    code: String,
    confidence_bits: u32,
}

impl WindowCheckpoints {
    pub(super) fn new(checkpoints: Checkpoints, chunk: usize) -> Self {
        Self { checkpoints, chunk }
    }

    fn name(&self, window: &Range<usize>) -> String {
        format!("window/{}/{}", self.chunk, window.start)
    }

    /// What was heard in this window before.
    pub(super) fn recall(&self, window: &Range<usize>) -> Option<Pass> {
        self.checkpoints.recall(&self.name(window), |record: WindowRecord| pass(record, window))
    }

    /// Keeps what was heard in a window.
    pub(super) fn keep(&self, window: &Range<usize>, pass: &Pass) {
        self.checkpoints.keep(&self.name(window), &record(pass, window));
    }
}

/// The language that was heard before.
pub(super) fn recall_language(checkpoints: &Checkpoints) -> Option<Language> {
    checkpoints.recall(LANGUAGE, |record: LanguageRecord| {
        let is_code = (2..=3).contains(&record.code.len()) && record.code.bytes().all(|byte| byte.is_ascii_lowercase());
        let confidence = probability(record.confidence_bits)?;
        is_code.then_some(Language { code: record.code, confidence })
    })
}

/// Keeps the language that was heard.
pub(super) fn keep_language(checkpoints: &Checkpoints, language: &Language) {
    let record = LanguageRecord { code: language.code.clone(), confidence_bits: language.confidence.to_bits() };
    checkpoints.keep(LANGUAGE, &record);
}

fn record(pass: &Pass, window: &Range<usize>) -> WindowRecord {
    let token = |token: &Token| TokenRecord(token.bytes.clone(), token.probability.to_bits(), token.span.start, token.span.end);
    let phrase = |phrase: &Phrase| PhraseRecord {
        from: phrase.span.start,
        to: phrase.span.end,
        no_speech_bits: phrase.no_speech.to_bits(),
        tokens: phrase.tokens.iter().map(token).collect(),
    };
    WindowRecord {
        end: window.end,
        heard: pass.heard,
        expects_more: pass.expects_more,
        phrases: pass.phrases.iter().map(phrase).collect(),
    }
}

fn pass(record: WindowRecord, window: &Range<usize>) -> Option<Pass> {
    let span = |from: usize, to: usize| (from <= to && to <= LATEST).then_some(from..to);
    let token =
        |TokenRecord(bytes, bits, from, to)| Some(Token { bytes, probability: probability(bits)?, span: span(from, to)? });
    let phrase = |phrase: PhraseRecord| {
        Some(Phrase {
            tokens: phrase.tokens.into_iter().map(token).collect::<Option<_>>()?,
            span: span(phrase.from, phrase.to)?,
            no_speech: probability(phrase.no_speech_bits)?,
        })
    };
    if record.end != window.end || record.heard > window.len() {
        return None;
    }
    let phrases = record.phrases.into_iter().map(phrase).collect::<Option<_>>()?;
    // Doubt was dealt with before it was kept.
    Some(Pass { phrases, heard: record.heard, expects_more: record.expects_more, doubtful: false })
}

fn probability(bits: u32) -> Option<f32> {
    Some(f32::from_bits(bits)).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard() -> Pass {
        let token = Token { bytes: vec![b' ', 0xd0], probability: 0.1 + 0.2, span: 10..20 };
        let phrase = Phrase { tokens: vec![token], span: 5..90, no_speech: 1e-8 };
        Pass { phrases: vec![phrase], heard: 90, expects_more: true, doubtful: false }
    }

    #[test]
    fn what_is_recalled_is_what_was_heard() {
        let json = serde_json::to_string(&record(&heard(), &(100..200))).unwrap();
        assert_eq!(pass(serde_json::from_str(&json).unwrap(), &(100..200)), Some(heard()));
    }

    #[test]
    fn a_language_is_recalled_if_it_can_be_one() {
        let kept = |code: &str, bits: u32| {
            let piece = format!(r#"{{"name":"language","value":{{"code":"{code}","confidence_bits":{bits}}}}}"#);
            recall_language(&Checkpoints::new([piece.into_bytes()], Box::new(|_| Ok(()))))
        };
        let probability = 0.7_f32.to_bits();
        assert_eq!(kept("haw", probability), Some(Language { code: "haw".to_owned(), confidence: 0.7 }));
        assert_eq!((kept("no language", probability), kept("en", f32::NAN.to_bits())), (None, None));
    }

    #[test]
    fn what_does_not_fit_the_window_is_not_believed() {
        assert_eq!(pass(record(&heard(), &(100..200)), &(100..201)), None);
        let spoilt: [fn(&mut WindowRecord); 4] = [
            |record| record.heard = 101,
            |record| record.phrases[0].to = usize::MAX,
            |record| record.phrases[0].tokens[0].3 = 3,
            |record| record.phrases[0].no_speech_bits = f32::NAN.to_bits(),
        ];
        for spoil in spoilt {
            let mut record = record(&heard(), &(100..200));
            spoil(&mut record);
            assert_eq!(pass(record, &(100..200)), None);
        }
    }
}
