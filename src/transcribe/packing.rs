//! Packs the speech of a signal into chunks for the model.
//!
//! A second of silence costs the model as much as a second of speech. So the speech regions of a signal are concatenated without
//! the long silence between them, and cut at pauses into chunks. Chunks are independent of each other and decoded in parallel; a
//! chunk is decoded window by window, each starting where the one before ended (`whisper.rs`). A [`Chunk`] knows the source of
//! each of its samples, so that a time in it maps back to the recording exactly; samples are never added, repeated or reordered.
//!
//! No model, no clock, no log; only those samples are read that are needed to find pauses.

use std::ops::Range;

use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, SAMPLE_RATE, SignalError};

/// Target length of a chunk. Shorter chunks keep the threads more evenly busy; longer ones have fewer last windows that are not
/// full.
pub const CHUNK_SAMPLES: usize = 120 * SAMPLE_RATE as usize;
/// Up to this length, speech stays in one chunk.
const UNDIVIDED: usize = 30 * SAMPLE_RATE as usize;

/// The parameters of packing; the defaults were found by measurement (docs/benchmarks.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Margin of audio that is kept before and after each speech region. The borders of a diarization are not exact, and a word
    /// that is cut in half is lost or misrecognized; the model also needs to hear that a sentence ends. A pause of up to twice
    /// this length is kept.
    pub around: Millis,
    /// A chunk is closed at a pause within a last part of this length.
    pub closing: Millis,
}

impl Default for Packing {
    fn default() -> Self {
        Self { around: Millis(250), closing: Millis(8000) }
    }
}

/// A contiguous part of the signal in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Its start in the chunk, in samples.
    at: usize,
    /// Its range in the signal, in samples.
    source: Range<usize>,
}

/// A part of a signal's speech that is decoded in order, by one thread.
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

    /// The length in samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.source.len()).sum()
    }

    /// Whether the chunk has no samples; one from [`pack`] always has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ranges of the signal that the chunk consists of, in order.
    pub fn sources(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.pieces.iter().map(|piece| piece.source.clone())
    }

    /// The regions of `speech` that overlap or touch the part of the signal that the chunk covers.
    #[must_use]
    pub fn speech(&self, speech: &[TimeSpan]) -> Vec<TimeSpan> {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return Vec::new() };
        let (start, end) = (Millis::from_sample(first.source.start), Millis::from_sample(last.source.end));
        speech.iter().filter(|span| span.start() <= end && start <= span.end()).copied().collect()
    }

    /// How much of `speech` (sorted, not overlapping) lies in this range of the chunk's samples.
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

    /// Maps a range of the chunk's samples back to the signal. A range that spans several pieces is cut down to the piece that
    /// holds most of it, because the silence between them was not decoded.
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

/// Packs the speech regions of one signal into chunks of about equal length, in time order. Their number depends on the speech
/// alone, so that the transcript does not depend on the number of threads.
///
/// `speech` may be unsorted and overlapping; what lies outside the signal is ignored.
///
/// # Errors
/// When samples of the signal cannot be read.
pub fn pack(signal: &Audio, speech: &[TimeSpan], packing: Packing) -> Result<Vec<Chunk>, SignalError> {
    let kept = keep(signal.len(), speech, packing);
    let total: usize = kept.iter().map(Range::len).sum();
    let closing = packing.closing.to_sample();
    let count = if total <= UNDIVIDED { 1 } else { total.div_ceil(CHUNK_SAMPLES).max(2) };
    // Half of what may stay empty is added, so that closing at pauses does not lead to one more chunk.
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

/// The parts of the signal that are decoded, in samples: sorted, not overlapping, none empty.
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

/// Energy is measured in steps of 20 ms (in samples); a quiet place spans five of them.
const STEP: usize = SAMPLE_RATE as usize / 50;
const SPAN: usize = 5;
/// The fewest samples in which a quiet place is searched.
const SHORTEST_CLOSING: usize = STEP * SPAN;

/// The index of the quietest place in the last `closing` samples: the middle of the quietest 100 ms.
pub(super) fn quietest(samples: &[f32], closing: usize) -> usize {
    let from = samples.len().saturating_sub(closing.max(SHORTEST_CLOSING));
    let energies: Vec<f32> = samples[from..].chunks_exact(STEP).map(|part| part.iter().map(|s| s * s).sum()).collect();
    let mut best = (f32::INFINITY, samples.len());
    for (index, group) in energies.windows(SPAN).enumerate() {
        let energy: f32 = group.iter().sum();
        // `<=` prefers the later of two equally quiet places, which makes the part before it longer.
        if energy <= best.0 {
            best = (energy, from + index * STEP + STEP * SPAN / 2);
        }
    }
    best.1.max(1)
}

#[cfg(test)]
mod tests;
