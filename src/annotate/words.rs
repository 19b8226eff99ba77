//! Assigns words to speakers: each word to the most probable active speaker, corrected by its phrase and by sentence ends.

use crate::audio::time::{Millis, TimeSpan};
use crate::diarize::{Diarization, SpeakerIndex, SpeechTurn};
use crate::transcribe::{Language, Transcript, Word};

/// A word with its speaker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpokenWord {
    pub(super) word: Word,
    pub(super) speaker: SpeakerIndex,
    /// The word's channel, when channels are processed separately.
    pub(super) channel: Option<u16>,
}

/// The share of a phrase's clear words that must agree for the phrase to decide about its unclear words.
const PHRASE_MAJORITY: f64 = 0.6;

/// The least weight of a turn, 0 to 1, however uncertain it is.
const LEAST_CERTAINTY: f64 = 0.05;

/// A speaker change moves to a sentence end that is at most this many words away ...
const BORDER_WORDS: usize = 3;
/// ... if the words in between lie within this time of the change, the uncertainty of turn borders and word times.
const BORDER_TIME: Millis = Millis(700);

/// Assigns every word to a speaker of its channel, and clips words at `end`, the recording's duration. Words on a channel without
/// speakers are dropped; there are none when only speech regions are transcribed.
pub(super) fn assign(diarization: &Diarization, transcripts: &[(Option<u16>, Transcript)], end: Millis) -> Vec<SpokenWord> {
    let mut spoken = Vec::new();
    for (channel, transcript) in transcripts {
        let turns = ChannelTurns::new(diarization, *channel);
        let words: Vec<Word> = transcript.words.iter().filter_map(|word| clipped(word, end)).collect();
        let begin = spoken.len();
        let mut first = 0;
        while first < words.len() {
            let next = (first + 1..words.len()).find(|&index| words[index].starts_phrase).unwrap_or(words.len());
            assign_phrase(&turns, &words[first..next], *channel, &mut spoken);
            first = next;
        }
        settle_borders(&mut spoken[begin..]);
    }
    spoken.sort_by_key(|word| (word.word.span, word.channel));
    spoken
}

/// The language of the recording: that of the transcript with the most words.
pub(super) fn language(transcripts: &[(Option<u16>, Transcript)]) -> Option<Language> {
    transcripts
        .iter()
        .max_by_key(|(_, transcript)| transcript.words.len())
        .and_then(|(_, transcript)| transcript.language.clone())
}

/// The word cut off at `end`; none when it lies behind.
fn clipped(word: &Word, end: Millis) -> Option<Word> {
    let span = TimeSpan::new(word.span.start().min(end), word.span.end().min(end))?;
    Some(Word { span, ..word.clone() })
}

/// The turns that words of one channel can belong to, in time order.
struct ChannelTurns<'a> {
    turns: Vec<&'a SpeechTurn>,
    /// The duration of the longest turn: the furthest before a word that a turn can start and still reach it.
    longest: Millis,
}

impl<'a> ChannelTurns<'a> {
    fn new(diarization: &'a Diarization, channel: Option<u16>) -> Self {
        let of_channel = |speaker: SpeakerIndex| {
            channel.is_none() || diarization.speakers.get(speaker.0).is_some_and(|found| found.channel == channel)
        };
        let turns: Vec<_> = diarization.turns.iter().filter(|turn| of_channel(turn.speaker)).collect();
        let longest = turns.iter().map(|turn| turn.span.duration()).max().unwrap_or_default();
        Self { turns, longest }
    }

    /// The turns that can overlap `span`, and the nearest before and after it.
    fn around(&self, span: TimeSpan) -> &[&'a SpeechTurn] {
        let from = self.turns.partition_point(|turn| turn.span.start() + self.longest < span.start());
        let to = self.turns.partition_point(|turn| turn.span.start() < span.end());
        &self.turns[from.saturating_sub(1)..(to + 1).min(self.turns.len())]
    }

    /// The speaker of `span`: among several the one with the most expected speech in it; without any, the nearest in time.
    fn speaker_at(&self, span: TimeSpan) -> Option<Candidate> {
        let mut active: Vec<(SpeakerIndex, f64)> = Vec::new();
        let mut nearest: Option<(Millis, SpeakerIndex)> = None;
        for turn in self.around(span) {
            let shared = turn.expected(span).max(turn.span.overlap(span).0 as f64 * LEAST_CERTAINTY);
            if shared > 0.0 {
                match active.iter_mut().find(|(known, _)| *known == turn.speaker) {
                    Some((_, sum)) => *sum += shared,
                    None => active.push((turn.speaker, shared)),
                }
            }
            let distance = turn.span.start().saturating_sub(span.end()).max(span.start().saturating_sub(turn.span.end()));
            if nearest.is_none_or(|(least, _)| distance < least) {
                nearest = Some((distance, turn.speaker));
            }
        }
        active.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        match active.first() {
            Some((speaker, shared)) => {
                let rival = active.get(1).map_or(0.0, |(_, shared)| *shared);
                // Clear means: this speaker covers most of the word, and no other has half as much of it.
                let is_clear = self.covers_most(*speaker, span) && rival * 2.0 < *shared;
                Some(Candidate { speaker: *speaker, is_clear })
            }
            None => nearest.map(|(_, speaker)| Candidate { speaker, is_clear: false }),
        }
    }

    fn covers_most(&self, speaker: SpeakerIndex, span: TimeSpan) -> bool {
        let own = self.around(span).iter().filter(|turn| turn.speaker == speaker);
        own.map(|turn| turn.span.overlap(span).0).sum::<u64>() * 2 > span.duration().0
    }
}

#[derive(Clone, Copy)]
struct Candidate {
    speaker: SpeakerIndex,
    is_clear: bool,
}

/// Assigns the words of one phrase; unclear words follow the majority of the clear ones.
fn assign_phrase(turns: &ChannelTurns, words: &[Word], channel: Option<u16>, spoken: &mut Vec<SpokenWord>) {
    let candidates: Vec<Option<Candidate>> = words.iter().map(|word| turns.speaker_at(word.span)).collect();
    let majority = majority(&candidates);
    for (word, candidate) in words.iter().zip(candidates) {
        let Some(candidate) = candidate else { continue };
        let speaker = if candidate.is_clear { candidate.speaker } else { majority.unwrap_or(candidate.speaker) };
        spoken.push(SpokenWord { word: word.clone(), speaker, channel });
    }
}

/// The speaker of most clear words, if they are a sufficient majority.
fn majority(candidates: &[Option<Candidate>]) -> Option<SpeakerIndex> {
    let clear: Vec<SpeakerIndex> =
        candidates.iter().flatten().filter(|candidate| candidate.is_clear).map(|found| found.speaker).collect();
    let (speaker, count) = clear
        .iter()
        .map(|speaker| (*speaker, clear.iter().filter(|other| *other == speaker).count()))
        .max_by_key(|(speaker, count)| (*count, std::cmp::Reverse(*speaker)))?;
    (count as f64 >= PHRASE_MAJORITY * clear.len() as f64).then_some(speaker)
}

/// Moves each speaker change to a sentence end nearby: speakers usually change where sentences end, and it is the first or last
/// word of a turn whose time is wrong.
fn settle_borders(words: &mut [SpokenWord]) {
    let mut index = 1;
    while index < words.len() {
        let (before, after) = (words[index - 1].speaker, words[index].speaker);
        if before == after || ends_sentence(&words[index - 1]) {
            index += 1;
            continue;
        }
        let change = words[index].word.span.start();
        let near = |word: &SpokenWord| {
            let span = word.word.span;
            span.middle().saturating_sub(change).max(change.saturating_sub(span.middle())) <= BORDER_TIME
        };
        // The number of words after the change that finish the sentence before it, and of words before it that start the next one.
        let rest = (index..words.len().min(index + BORDER_WORDS))
            .take_while(|&at| words[at].speaker == after && near(&words[at]))
            .position(|at| ends_sentence(&words[at]))
            .map(|position| position + 1);
        let begun = (0..BORDER_WORDS)
            .map_while(|back| index.checked_sub(back + 1))
            .take_while(|&at| words[at].speaker == before && near(&words[at]))
            .position(|at| at > 0 && words[at - 1].speaker == before && ends_sentence(&words[at - 1]))
            .map(|position| position + 1);
        // Of two sentence ends the nearer one, measured as words times duration: word times are often squeezed together, and the
        // number of words alone says little about their duration.
        let to_rest = |rest: usize| words[index + rest - 1].word.span.end().saturating_sub(change).0 * rest as u64;
        let to_begun = |begun: usize| change.saturating_sub(words[index - begun].word.span.start()).0 * begun as u64;
        match (rest, begun) {
            (Some(rest), begun) if begun.is_none_or(|begun| to_rest(rest) <= to_begun(begun)) => {
                words[index..index + rest].iter_mut().for_each(|word| word.speaker = before);
                index += rest;
            }
            (_, Some(begun)) => words[index - begun..index].iter_mut().for_each(|word| word.speaker = after),
            _ => {}
        }
        index += 1;
    }
}

fn ends_sentence(word: &SpokenWord) -> bool {
    word.word.text.ends_with(['.', '?', '!', '…'])
}

#[cfg(test)]
mod tests;
