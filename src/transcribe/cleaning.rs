//! Removes hallucinations: text that the model writes although it was not spoken.
//!
//! Whisper describes sounds in brackets (`[Music]`, `(bell dings)`, `*laughs*`), falls into loops, and invents text where there is
//! no speech. The rules look at structure and at the model's own probabilities, never at a list of phrases: such lists miss
//! every other language and delete what people do say. Pure.

use super::words::{ChunkWord, Phrase};

/// Above this no-speech probability the model takes the audio for silence.
const NO_SPEECH: f32 = 0.6;
/// Below this mean log probability of its tokens a text is a guess (whisper.cpp's own threshold).
const GUESSING: f32 = -1.0;
/// The longest group of words whose repetition is searched for.
const LONGEST_LOOP: usize = 30;
/// The fewest rounds and the fewest words of a loop. People do say "no, no, no, no" and spell "one one one one", but not more.
const LOOP_ROUNDS: usize = 4;
const LOOP_WORDS: usize = 8;
/// For groups of at least this many words fewer rounds make a loop: people do not repeat a whole sentence three times verbatim.
const SENTENCE: usize = 6;
const SENTENCE_ROUNDS: usize = 3;

/// Whether a phrase is to be dropped: the model doubts both that there is speech and the text it wrote.
#[must_use]
pub fn is_guess(phrase: &Phrase) -> bool {
    if phrase.tokens.is_empty() {
        return true;
    }
    let sum: f32 = phrase.tokens.iter().map(|token| token.probability.max(1e-6).ln()).sum();
    phrase.no_speech > NO_SPEECH && sum / (phrase.tokens.len() as f32) < GUESSING
}

/// Drops descriptions of sounds, and words without a letter or digit.
#[must_use]
pub fn without_sounds(words: &[ChunkWord]) -> Vec<ChunkWord> {
    let mut kept = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((word, others)) = rest.split_first() {
        if let Some(length) = sound_length(rest) {
            rest = &rest[length..];
            continue;
        }
        if word.text.chars().any(char::is_alphanumeric) && !word.text.contains(['♪', '♫', '♩', '♬']) {
            kept.push(word.clone());
        }
        rest = others;
    }
    kept
}

/// The number of words, from the first on, that form one description of a sound; none when the first word does not start one.
fn sound_length(words: &[ChunkWord]) -> Option<usize> {
    /// In words. A longer bracket is an aside rather than a sound, and stays.
    const LONGEST: usize = 8;
    let first = words.first()?.text.as_str();
    let closing = match first.chars().next()? {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '（' => '）',
        '【' => '】',
        '*' => '*',
        _ => return None,
    };
    words.iter().take(LONGEST).enumerate().find_map(|(index, word)| {
        let text = if index == 0 { word.text.get(first.chars().next()?.len_utf8()..)? } else { word.text.as_str() };
        text.trim_end_matches(['.', ',', '!', '?', ':', ';']).ends_with(closing).then_some(index + 1)
    })
}

/// Drops all rounds of a loop but the first.
#[must_use]
pub fn without_loops(mut words: Vec<ChunkWord>) -> Vec<ChunkWord> {
    let mut bare: Vec<String> = words.iter().map(|word| bare(&word.text)).collect();
    let mut start = 0;
    while start < words.len() {
        let found = (1..=LONGEST_LOOP).find_map(|length| {
            let rounds = rounds(&bare[start..], length);
            let is_loop = if length >= SENTENCE {
                rounds >= SENTENCE_ROUNDS
            } else {
                rounds >= LOOP_ROUNDS && rounds * length >= LOOP_WORDS
            };
            is_loop.then_some((length, rounds))
        });
        if let Some((length, rounds)) = found {
            words.drain(start + length..start + length * rounds);
            bare.drain(start + length..start + length * rounds);
        }
        start += 1;
    }
    words
}

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many times in a row the first `length` words occur.
fn rounds(words: &[String], length: usize) -> usize {
    let Some(first) = words.get(..length) else { return 0 };
    words.chunks_exact(length).take_while(|group| *group == first).count()
}

#[cfg(test)]
mod tests {
    use super::super::words::Token;
    use super::*;

    fn words(text: &str) -> Vec<ChunkWord> {
        let word = |text: &str| ChunkWord { text: text.to_owned(), span: 0..1, confidence: 1.0 };
        text.split_whitespace().map(word).collect()
    }

    fn text(words: &[ChunkWord]) -> String {
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn descriptions_of_sounds_are_left_out() {
        for (written, kept) in [
            ("[Music]", ""),
            ("(soft piano music) Hello, (bell dings) there.", "Hello, there."),
            ("*laughs* Yes. ♪ La la ♪", "Yes. La la"),
            ("[BLANK_AUDIO].", ""),
            ("- No - ...", "No"),
        ] {
            assert_eq!(text(&without_sounds(&words(written))), kept, "{written}");
        }
    }

    #[test]
    fn an_open_bracket_does_not_swallow_what_follows() {
        let said = "(as I was saying this is all that I wanted to tell you";
        assert_eq!(text(&without_sounds(&words(said))), said);
    }

    #[test]
    fn a_loop_is_cut_down_to_its_first_round() {
        let looped = format!("So. {} Good.", "Thank you very much. ".repeat(9));
        assert_eq!(text(&without_loops(words(&looped))), "So. Thank you very much. Good.");
    }

    #[test]
    fn a_sentence_said_three_times_is_a_loop() {
        let sentence = "I'm not sure if I can speak English, but I'm not sure if I can speak English. ";
        assert_eq!(text(&without_loops(words(&sentence.repeat(3)))), sentence.trim());
    }

    #[test]
    fn what_people_do_repeat_stays() {
        for said in ["No, no, no, no, no.", "four one one one one one one", "Bye. Bye bye. Bye.", "that is that is that is it"] {
            assert_eq!(text(&without_loops(words(said))), said);
        }
    }

    #[test]
    fn a_phrase_is_a_guess_only_when_the_model_doubts_both_speech_and_text() {
        let phrase = |probability, no_speech| Phrase {
            tokens: vec![Token { bytes: b" you".to_vec(), probability, span: 0..1 }],
            span: 0..1,
            no_speech,
        };
        assert!(is_guess(&phrase(0.2, 0.9)));
        assert!(!is_guess(&phrase(0.2, 0.1)));
        assert!(!is_guess(&phrase(0.9, 0.9)));
        assert!(is_guess(&Phrase::default()));
    }
}
