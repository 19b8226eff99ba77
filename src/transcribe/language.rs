//! Which language to listen in, and what to say when the model can't.
//!
//! A model that knows English only hears English in every language, and is sure of it: its confidence in what it makes of German
//! is that of English. What gives it away, often but not always, is how little it writes: it describes other languages as sounds,
//! in brackets, or passes over them. [`hardly_english`] looks at that and at nothing else. Pure.

use crate::audio::time::Millis;

/// So much speech has to be there before its silence means anything.
const ENOUGH_SPEECH: Millis = Millis(10_000);
/// Fewer words than this in a second of speech are hardly English. Measured with tiny.en: English calls and readings have 2.2 to
/// 3.3, a call in Russian 0.4.
const FEW_WORDS: f64 = 1.2;

/// The primary part of a language tag in lower case: `en` for `en-US`.
#[must_use]
pub fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().trim().to_lowercase()
}

/// The warning for a language that was asked for and that the model does not know.
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

/// The warning that a translation was asked for that the model can't make.
pub const NO_TRANSLATION: &str =
    "a translation was asked for, but the transcription model knows English only and can't translate";

/// The warning for a recording of which a model of English wrote down next to nothing.
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
