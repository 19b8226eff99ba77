//! Which language to listen in, and what to say when the model can't.
//!
//! A model that knows English only hears English in every language. It can't tell so itself, but it doubts what it writes:
//! the mean confidence of the words is far lower, and that is what [`sounds_foreign`] looks at. Pure.

use super::Word;

/// Evidence is wanted before a warning is given: so many words at least.
const ENOUGH_WORDS: usize = 20;
/// Below this mean confidence a recording is probably not English. Measured with tiny.en: English telephone calls are above
/// 0.75, calls in Russian, German and French below 0.55.
const FOREIGN: f32 = 0.6;

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

/// The warning for words that a model of English was very unsure of.
#[must_use]
pub fn foreign(mean_confidence: f32) -> String {
    format!(
        "the transcription model knows English only, and its low confidence over the whole recording (mean {mean_confidence:.2}) suggests another \
         language or very poor audio: its words are to be mistrusted"
    )
}

/// The mean confidence of all words, where there are enough of them and it is so low that they are hardly English.
#[must_use]
pub fn sounds_foreign<'w>(words: impl Iterator<Item = &'w Word>) -> Option<f32> {
    let (count, sum) = words.fold((0_usize, 0.0_f32), |(count, sum), word| (count + 1, sum + word.confidence));
    let mean = sum / count.max(1) as f32;
    (count >= ENOUGH_WORDS && mean < FOREIGN).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::time::{Millis, TimeSpan};

    fn words(count: usize, confidence: f32) -> Vec<Word> {
        let span = TimeSpan::new(Millis(0), Millis(1)).unwrap();
        vec![Word { text: "a".to_owned(), span, confidence, starts_phrase: false }; count]
    }

    #[test]
    fn a_language_tag_is_cut_to_its_language() {
        assert_eq!(["en", "EN-us", "pt_BR", ""].map(primary), ["en", "en", "pt", ""]);
    }

    #[test]
    fn many_doubtful_words_sound_foreign_and_few_do_not() {
        assert!(sounds_foreign(words(50, 0.4).iter()).is_some());
        assert!(sounds_foreign(words(50, 0.8).iter()).is_none());
        assert!(sounds_foreign(words(5, 0.4).iter()).is_none());
        assert!(sounds_foreign([].iter()).is_none());
    }
}
