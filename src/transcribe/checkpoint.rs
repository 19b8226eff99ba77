//! The checkpoints of transcription: each decoded window, and the detected language.
//!
//! Each window of a chunk starts where the model stopped in the one before. So a window's checkpoint is named by its chunk and its
//! start, and holds the decoded phrases and where the model stopped; with these, a resumed run goes through the same windows and
//! ends at the same place. Probabilities are stored as their bits, so that a recalled window is identical to the decoded one.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Language;
use super::pass::Pass;
use super::words::{Phrase, Token};
use crate::checkpoints::Checkpoints;

/// The name of the language's checkpoint.
const LANGUAGE: &str = "language";

/// The latest time in a window that a checkpoint may hold, in samples: one minute. Windows are much shorter; the limit keeps sums
/// from overflowing.
const LATEST: usize = 60 * crate::audio::SAMPLE_RATE as usize;

/// The checkpoints of one chunk's windows.
pub(super) struct WindowCheckpoints {
    checkpoints: Checkpoints,
    chunk: usize,
}

#[derive(Serialize, Deserialize)]
struct WindowRecord {
    /// End of the window, in samples of the chunk.
    end: usize,
    /// In samples of the window, like all times below.
    #[serde(rename = "heard")]
    decoded_until: usize,
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

/// The bytes of a token, the bits of its probability, its start and its end. A tuple without field names, because tokens make up
/// most of the file.
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

    /// The pass over this window from an earlier run.
    pub(super) fn recall(&self, window: &Range<usize>) -> Option<Pass> {
        self.checkpoints.recall(&self.name(window), |record: WindowRecord| pass(record, window))
    }

    /// Stores the pass over a window.
    pub(super) fn keep(&self, window: &Range<usize>, pass: &Pass) {
        self.checkpoints.keep(&self.name(window), &record(pass, window));
    }
}

/// The language that an earlier run detected.
pub(super) fn recall_language(checkpoints: &Checkpoints) -> Option<Language> {
    checkpoints.recall(LANGUAGE, |record: LanguageRecord| {
        let is_code = (2..=3).contains(&record.code.len()) && record.code.bytes().all(|byte| byte.is_ascii_lowercase());
        let confidence = probability(record.confidence_bits)?;
        is_code.then_some(Language { code: record.code, confidence })
    })
}

/// Stores the detected language.
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
        decoded_until: pass.decoded_until,
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
    if record.end != window.end || record.decoded_until > window.len() {
        return None;
    }
    let phrases = record.phrases.into_iter().map(phrase).collect::<Option<_>>()?;
    // A doubtful window was decoded again before it was stored.
    Some(Pass { phrases, decoded_until: record.decoded_until, expects_more: record.expects_more, doubtful: false })
}

fn probability(bits: u32) -> Option<f32> {
    Some(f32::from_bits(bits)).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded() -> Pass {
        let token = Token { bytes: vec![b' ', 0xd0], probability: 0.1 + 0.2, span: 10..20 };
        let phrase = Phrase { tokens: vec![token], span: 5..90, no_speech: 1e-8 };
        Pass { phrases: vec![phrase], decoded_until: 90, expects_more: true, doubtful: false }
    }

    #[test]
    fn a_recalled_window_is_identical_to_the_decoded_one() {
        let json = serde_json::to_string(&record(&decoded(), &(100..200))).unwrap();
        assert_eq!(pass(serde_json::from_str(&json).unwrap(), &(100..200)), Some(decoded()));
    }

    #[test]
    fn only_a_plausible_language_is_recalled() {
        let recalled = |code: &str, bits: u32| {
            let checkpoint = format!(r#"{{"name":"language","value":{{"code":"{code}","confidence_bits":{bits}}}}}"#);
            recall_language(&Checkpoints::new([checkpoint.into_bytes()], Box::new(|_| Ok(()))))
        };
        let probability = 0.7_f32.to_bits();
        assert_eq!(recalled("haw", probability), Some(Language { code: "haw".to_owned(), confidence: 0.7 }));
        assert_eq!((recalled("no language", probability), recalled("en", f32::NAN.to_bits())), (None, None));
    }

    #[test]
    fn a_checkpoint_that_does_not_fit_the_window_is_ignored() {
        assert_eq!(pass(record(&decoded(), &(100..200)), &(100..201)), None);
        let spoilt: [fn(&mut WindowRecord); 4] = [
            |record| record.decoded_until = 101,
            |record| record.phrases[0].to = usize::MAX,
            |record| record.phrases[0].tokens[0].3 = 3,
            |record| record.phrases[0].no_speech_bits = f32::NAN.to_bits(),
        ];
        for spoil in spoilt {
            let mut record = record(&decoded(), &(100..200));
            spoil(&mut record);
            assert_eq!(pass(record, &(100..200)), None);
        }
    }
}
