//! Assembles the phrases of all chunks into one transcript for each signal. Pure.

use super::cleaning::{is_guess, without_loops, without_sounds};
use super::packing::Chunk;
use super::timing::{in_order, place, shorten};
use super::words::{ChunkWord, Phrase, words};
use super::{Language, Signal, Transcript};

/// One transcript for each signal. Each chunk comes with the index of its signal; the chunks of a signal are in time order.
pub(super) fn transcripts(
    signals: &[Signal<'_>],
    chunks: impl Iterator<Item = (usize, Chunk, Vec<Phrase>)>,
    language: &Language,
) -> Vec<Transcript> {
    let mut transcripts = vec![Transcript::default(); signals.len()];
    for (signal, chunk, phrases) in chunks {
        let (Some(transcript), Some(Signal { speech, .. })) = (transcripts.get_mut(signal), signals.get(signal)) else {
            continue;
        };
        let placed = spoken_words(phrases).into_iter().filter_map(|(word, first)| place(&chunk, word, first, speech));
        transcript.words.extend(placed);
    }
    for (transcript, signal) in transcripts.iter_mut().zip(signals) {
        transcript.words = in_order(std::mem::take(&mut transcript.words), signal.audio.duration());
        transcript.language = (!transcript.words.is_empty()).then(|| language.clone());
    }
    transcripts
}

/// The words of one chunk without guesses, sounds and loops, and for each whether it starts a phrase.
fn spoken_words(phrases: Vec<Phrase>) -> Vec<(ChunkWord, bool)> {
    let phrases: Vec<Phrase> = phrases.into_iter().filter(|phrase| !is_guess(phrase)).collect();
    let starts: Vec<usize> = phrases.iter().map(|phrase| phrase.span.start).collect();
    let all: Vec<ChunkWord> = phrases.iter().flat_map(words).collect();
    let mut all = without_loops(without_sounds(&all));
    // A phrase's first word is the first one that starts at or after the phrase; this is decided before times are changed.
    let mut firsts = starts.into_iter().peekable();
    let begins: Vec<bool> = all
        .iter()
        .map(|word| {
            let mut begins = false;
            while firsts.next_if(|&start| start <= word.span.start).is_some() {
                begins = true;
            }
            begins
        })
        .collect();
    shorten(&mut all);
    all.into_iter().zip(begins).collect()
}
