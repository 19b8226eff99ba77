//! Tests of giving words to speakers.

use proptest::prelude::*;

use super::*;
use crate::diarize::{DiarizedSpeaker, TurnProbability};

fn span(start: u64, end: u64) -> TimeSpan {
    TimeSpan::new(Millis(start), Millis(end)).unwrap()
}

fn diarization(turns: &[(usize, u64, u64)]) -> Diarization {
    let people = turns.iter().map(|turn| turn.0 + 1).max().unwrap_or(0);
    let turn = |&(speaker, start, end): &(usize, u64, u64)| SpeechTurn {
        span: span(start, end),
        speaker: SpeakerIndex(speaker),
        confidence: 1.0,
        probability: TurnProbability::default(),
    };
    Diarization {
        speakers: vec![DiarizedSpeaker { channel: None, speech: Millis(1), voiceprint: None }; people],
        turns: turns.iter().map(turn).collect(),
    }
}

/// Words of one phrase, each `length` long, one after the other from `start`.
fn phrase(start: u64, length: u64, text: &str) -> Vec<Word> {
    text.split(' ')
        .zip(0u64..)
        .map(|(word, index)| Word {
            text: word.to_owned(),
            span: span(start + index * length, start + (index + 1) * length),
            confidence: 1.0,
            starts_phrase: index == 0,
        })
        .collect()
}

fn assigned(turns: &[(usize, u64, u64)], words: Vec<Word>) -> Vec<usize> {
    let transcript = Transcript { language: None, words, warnings: Vec::new() };
    let spoken = assign(&diarization(turns), &[(None, transcript)], Millis(100_000));
    spoken.iter().map(|word| word.speaker.0).collect()
}

#[test]
fn a_word_goes_to_who_speaks_while_it_is_said() {
    let words = [phrase(0, 100, "one two three."), phrase(400, 100, "four five.")].concat();
    assert_eq!(assigned(&[(0, 0, 300), (1, 400, 600)], words), [0, 0, 0, 1, 1]);
}

#[test]
fn a_word_outside_every_turn_goes_to_the_nearest() {
    assert_eq!(assigned(&[(0, 0, 300), (1, 5000, 6000)], phrase(4500, 100, "well.")), [1]);
}

#[test]
fn the_last_word_of_a_question_stays_with_who_asks() {
    // The turn ends a word too early.
    let words = phrase(0, 200, "What can I do for you? Hello. I booked a flight.");
    assert_eq!(assigned(&[(0, 0, 1000), (1, 1000, 2200)], words), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
}

#[test]
fn the_first_word_of_an_answer_goes_to_who_answers() {
    // The turn begins a word too late.
    let words = phrase(0, 200, "Does it cost anything extra? No, there is no charge.");
    assert_eq!(assigned(&[(0, 0, 1200), (1, 1200, 2400)], words), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
}

#[test]
fn a_sentence_that_ends_far_from_the_change_does_not_move_it() {
    let words = phrase(0, 500, "a b c d e f g. h i j");
    assert_eq!(assigned(&[(0, 0, 1500), (1, 1500, 5000)], words), [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn of_two_ends_of_sentences_the_change_moves_to_the_nearer_one_in_words_and_time() {
    // Three short words after the one end, two long ones before the other.
    let words =
        [phrase(0, 300, "One hundred."), phrase(600, 60, "I do not"), phrase(780, 200, "want one."), phrase(1180, 200, "No.")];
    let mut words = words.concat();
    for word in &mut words {
        word.starts_phrase = false;
    }
    assert_eq!(assigned(&[(0, 0, 780), (1, 780, 1400)], words), [0, 0, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn channels_keep_to_themselves() {
    let mut found = diarization(&[(0, 0, 1000), (1, 0, 1000)]);
    found.speakers[0].channel = Some(0);
    found.speakers[1].channel = Some(1);
    let transcript = |text| Transcript { language: None, words: phrase(0, 300, text), warnings: Vec::new() };
    let spoken = assign(&found, &[(Some(0), transcript("left here.")), (Some(1), transcript("right here."))], Millis(1000));
    let said: Vec<_> = spoken.iter().map(|word| (word.word.text.as_str(), word.speaker.0, word.channel)).collect();
    assert_eq!(said, [("left", 0, Some(0)), ("right", 1, Some(1)), ("here.", 0, Some(0)), ("here.", 1, Some(1))]);
}

proptest! {
    #[test]
    fn every_word_keeps_its_time_and_order(
        turns in proptest::collection::vec((0usize..4, 0u64..20_000, 1u64..4000), 1..20),
        words in proptest::collection::vec((0u64..25_000, 1u64..800, any::<bool>(), any::<bool>()), 0..60),
    ) {
        let mut turns: Vec<_> = turns.into_iter().map(|(speaker, start, length)| (speaker, start, start + length)).collect();
        turns.sort_by_key(|turn| turn.1);
        let mut words: Vec<Word> = words
            .into_iter()
            .map(|(start, length, starts_phrase, ends)| Word {
                text: if ends { "w.".to_owned() } else { "w".to_owned() },
                span: span(start, start + length),
                confidence: 0.5,
                starts_phrase,
            })
            .collect();
        words.sort_by_key(|word| word.span);
        let spans: Vec<_> = words.iter().map(|word| word.span).collect();
        let transcript = Transcript { language: None, words, warnings: Vec::new() };
        let spoken = assign(&diarization(&turns), &[(None, transcript)], Millis(100_000));
        prop_assert_eq!(spoken.iter().map(|word| word.word.span).collect::<Vec<_>>(), spans);
    }
}

#[test]
fn a_word_that_two_may_have_said_goes_to_the_more_probable() {
    for (probable, confidences) in [(1, [0.4, 0.9]), (0, [0.9, 0.4])] {
        let mut found = diarization(&[(0, 0, 1000), (1, 0, 1000)]);
        for (turn, confidence) in found.turns.iter_mut().zip(confidences) {
            turn.confidence = confidence;
        }
        let transcript = Transcript { language: None, words: phrase(200, 300, "yes."), warnings: Vec::new() };
        let spoken = assign(&found, &[(None, transcript)], Millis(100_000));
        assert_eq!(spoken.iter().map(|word| word.speaker.0).collect::<Vec<_>>(), [probable]);
    }
}

#[test]
fn of_two_who_speak_at_once_each_word_goes_to_who_is_more_probable_in_that_moment() {
    let mut found = diarization(&[(0, 0, 2000), (1, 0, 2000)]);
    for (turn, first_half) in found.turns.iter_mut().zip([0.9, 0.3]) {
        turn.probability =
            TurnProbability::of(turn.span, |part| if part.start() < Millis(1000) { first_half } else { 1.2 - first_half });
    }
    let transcript = Transcript { language: None, words: phrase(0, 500, "do you. No I"), warnings: Vec::new() };
    let spoken = assign(&found, &[(None, transcript)], Millis(100_000));
    assert_eq!(spoken.iter().map(|word| word.speaker.0).collect::<Vec<_>>(), [0, 0, 1, 1]);
}
