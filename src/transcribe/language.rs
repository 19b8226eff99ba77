//! The language to decode in, and the warnings when the model does not support what was requested.
//!
//! An English-only model transcribes every language as English, with the same confidence as for English speech. What often, but
//! not always, gives it away is how few words it writes: it describes other languages as sounds in brackets, or skips them.
//! [`hardly_english`] tests for that and nothing else. Pure.

use crate::audio::time::Millis;

/// The least amount of speech from which a low word count is meaningful.
const ENOUGH_SPEECH: Millis = Millis(10_000);
/// Words per second of speech below which the language is hardly English. Measured with tiny.en: English calls and readings have
/// 2.2 to 3.3, a call in Russian 0.4.
const FEW_WORDS: f64 = 1.2;

/// The primary subtag of a language tag in lower case: `en` for `en-US`.
#[must_use]
pub fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().trim().to_lowercase()
}

/// The warning for a requested language that the model does not know.
#[must_use]
pub fn not_spoken(asked: &str, english_only: bool) -> String {
    let asked: String = asked.chars().filter(|c| c.is_alphanumeric() || *c == '-').take(20).collect();
    if english_only {
        format!(
            "the language {asked:?} was asked for, but the transcription model knows English only: its words are to be mistrusted"
        )
    } else {
        format!(
            "the language {asked:?} was asked for, but the transcription model does not know it: the language was detected instead"
        )
    }
}

/// The warning that a translation was requested but the model is English-only.
pub const NO_TRANSLATION: &str =
    "a translation was asked for, but the transcription model knows English only and can't translate";

/// The warning for a recording in which an English-only model found hardly any words; none when there are enough.
#[must_use]
pub fn hardly_english(words: usize, speech: Millis) -> Option<String> {
    let seconds = speech.as_seconds();
    (speech >= ENOUGH_SPEECH && (words as f64) < FEW_WORDS * seconds).then(|| {
        format!(
            "the transcription model knows English only, and made out {words} words in {seconds:.0} s of what was taken for speech: this suggests \
             another language, or no speech; its words are to be mistrusted"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_is_cut_to_its_language() {
        assert_eq!(["en", "EN-us", "pt_BR", ""].map(primary), ["en", "en", "pt", ""]);
    }

    #[test]
    fn much_speech_with_few_words_is_hardly_english() {
        assert!(hardly_english(24, Millis(55_000)).is_some());
        assert!(hardly_english(0, Millis(30_000)).is_some());
        assert!(hardly_english(160, Millis(55_000)).is_none());
        assert!(hardly_english(1, Millis(4_000)).is_none());
        assert!(hardly_english(0, Millis::ZERO).is_none());
    }
}
