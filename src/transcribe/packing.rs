//! Which audio is sent to the model, and in which portions.
//!
//! A second of silence costs the model as much as a second of speech. So the stretches of speech of a signal are laid one after
//! the other, and long silence between them is left out. The row is cut at pauses into chunks, which do not depend on each other
//! and are worked on at once; a chunk is heard window by window, each from where the one before ended (`whisper.rs`). A [`Chunk`]
//! knows where each of its samples comes from, so that a time inside it can be carried back to the recording exactly; samples are
//! never added, repeated or put in another order.
//!
//! No model, no clock, no log; of the samples only those are read that a decision needs.

use std::ops::Range;

use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, SAMPLE_RATE, SignalError};

/// About the most that is laid into one chunk. The shorter, the more evenly the threads are busy; the longer, the fewer last windows
/// that are not full.
pub const CHUNK_SAMPLES: usize = 120 * SAMPLE_RATE as usize;
/// What is not cut into chunks any more.
const UNDIVIDED: usize = 30 * SAMPLE_RATE as usize;

/// How the chunks are cut; the values were chosen by measuring (docs/benchmarks.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Real audio kept before and after each stretch of speech. A diarizer's edges are not exact, and a word cut in half is lost
    /// or misheard; the model also wants to hear that a sentence ends. A pause of up to twice this stays as it is.
    pub around: Millis,
    /// A chunk is closed at a pause within this last part of it.
    pub closing: Millis,
}

impl Default for Packing {
    fn default() -> Self {
        Self { around: Millis(250), closing: Millis(8000) }
    }
}

/// A piece of a signal inside a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the chunk, in samples.
    at: usize,
    /// Where it comes from in the signal, in samples.
    source: Range<usize>,
}

/// A run of speech that is listened to in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pieces: Vec<Piece>,
}

impl Chunk {
    fn new(sources: &[Range<usize>]) -> Self {
        let mut at = 0;
        let pieces = sources
            .iter()
            .map(|source| {
                let piece = Piece { at, source: source.clone() };
                at += source.len();
                piece
            })
            .collect();
        Self { pieces }
    }

    /// Its length in samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.source.len()).sum()
    }

    /// Whether there is nothing in it; a window that [`pack`] made never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stretches of the signal it is made of, in order.
    pub fn sources(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.pieces.iter().map(|piece| piece.source.clone())
    }

    /// The stretches of `speech` that reach into the chunk's part of the signal.
    #[must_use]
    pub fn speech(&self, speech: &[TimeSpan]) -> Vec<TimeSpan> {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return Vec::new() };
        let (start, end) = (Millis::from_sample(first.source.start), Millis::from_sample(last.source.end));
        speech.iter().filter(|span| span.start() <= end && start <= span.end()).copied().collect()
    }

    /// How much of `speech` (sorted, apart) lies in the chunk between two of its samples.
    #[must_use]
    pub fn speech_between(&self, samples: Range<usize>, speech: &[TimeSpan]) -> Millis {
        let mut total = Millis::ZERO;
        for piece in &self.pieces {
            let start = piece.source.start + samples.start.saturating_sub(piece.at);
            let end = piece.source.end.min(piece.source.start.saturating_add(samples.end.saturating_sub(piece.at)));
            let Some(left) = TimeSpan::new(Millis::from_sample(start), Millis::from_sample(end)) else { continue };
            for region in speech {
                total = total + left.overlap(*region);
            }
        }
        total
    }

    /// Carries a stretch of the chunk (in samples) back to the signal. Where it spans a join it is cut down to the side that
    /// holds more of it, because what was left out between the sides was not heard.
    #[must_use]
    pub fn to_signal(&self, span: Range<usize>) -> Range<usize> {
        let held = |piece: &Piece| span.end.min(piece.at + piece.source.len()).saturating_sub(span.start.max(piece.at));
        let mut best: Option<(&Piece, usize)> = None;
        for piece in &self.pieces {
            let begins_here = span.start >= piece.at;
            let better = match best {
                None => true,
                Some((_, most)) => held(piece) > most || (most == 0 && begins_here),
            };
            if better {
                best = Some((piece, held(piece)));
            }
        }
        let Some((piece, _)) = best else { return 0..0 };
        let carry = |sample: usize| piece.source.start + sample.saturating_sub(piece.at).min(piece.source.len());
        carry(span.start)..carry(span.end)
    }
}

/// Lays the stretches of speech of one signal into chunks of about the same length, in order of time. How many depends on the
/// speech alone, so that the transcript does not depend on the machine.
///
/// `speech` need not be sorted or apart; what lies outside the signal is ignored.
///
/// # Errors
/// When the signal cannot be read.
pub fn pack(signal: &Audio, speech: &[TimeSpan], packing: Packing) -> Result<Vec<Chunk>, SignalError> {
    let kept = keep(signal.len(), speech, packing);
    let total: usize = kept.iter().map(Range::len).sum();
    let closing = packing.closing.to_sample();
    let count = if total <= UNDIVIDED { 1 } else { total.div_ceil(CHUNK_SAMPLES).max(2) };
    // Half of what may stay empty is added, so that closing at a pause does not make one chunk more.
    let limit = total.div_ceil(count) + closing / 2;
    let mut chunks = Vec::new();
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut length = 0;
    for mut stretch in kept {
        while length + stretch.len() > limit {
            let room = limit - length;
            // Where to end the chunk: before this stretch when the chunk is full enough, else inside this stretch.
            if !open.is_empty() && room < closing {
                chunks.push(Chunk::new(&open));
            } else {
                let end = stretch.start + room;
                let from = stretch.start.max(end.saturating_sub(closing.max(SHORTEST_CLOSING)));
                let cut = from + quietest(&signal.read(from..end)?, closing);
                open.push(stretch.start..cut);
                chunks.push(Chunk::new(&open));
                stretch.start = cut;
            }
            open.clear();
            length = 0;
        }
        if !stretch.is_empty() {
            length += stretch.len();
            open.push(stretch);
        }
    }
    if !open.is_empty() {
        chunks.push(Chunk::new(&open));
    }
    Ok(chunks)
}

/// The parts of the signal that are listened to, in samples: sorted, apart, none empty.
fn keep(length: usize, speech: &[TimeSpan], packing: Packing) -> Vec<Range<usize>> {
    let around = packing.around.to_sample();
    let mut sorted = speech.to_vec();
    sorted.sort_unstable();
    let mut kept: Vec<Range<usize>> = Vec::with_capacity(sorted.len());
    for span in sorted {
        let start = span.start().to_sample().saturating_sub(around);
        let end = span.end().to_sample().saturating_add(around).min(length);
        if start >= end {
            continue;
        }
        match kept.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => kept.push(start..end),
        }
    }
    kept
}

/// Loudness is measured in steps of so many samples, 20 ms, and a quiet place has so many of them.
const STEP: usize = SAMPLE_RATE as usize / 50;
const SPAN: usize = 5;
/// Samples that are looked at, at least.
const SHORTEST_CLOSING: usize = STEP * SPAN;

/// The index of the quietest place in the last `closing` samples: the middle of the quietest tenth of a second.
pub(super) fn quietest(samples: &[f32], closing: usize) -> usize {
    let from = samples.len().saturating_sub(closing.max(SHORTEST_CLOSING));
    let energies: Vec<f32> = samples[from..].chunks_exact(STEP).map(|part| part.iter().map(|s| s * s).sum()).collect();
    let mut best = (f32::INFINITY, samples.len());
    for (index, group) in energies.windows(SPAN).enumerate() {
        let energy: f32 = group.iter().sum();
        // `<=` prefers the later of two equally quiet places: what is cut off later is fuller.
        if energy <= best.0 {
            best = (energy, from + index * STEP + STEP * SPAN / 2);
        }
    }
    best.1.max(1)
}

#[cfg(test)]
mod tests;
