//! Which audio is sent to the model, and in which portions.
//!
//! Whisper listens to windows of thirty seconds, and a window costs nearly the same however little of it is speech. So the
//! stretches of speech of a signal are laid one after the other into as few windows as possible, cut at pauses; long
//! silence between them is left out. A [`Window`] knows where each of its samples comes from, so that a time inside it can be
//! carried back to the recording exactly; samples are never added, repeated or put in another order.
//!
//! Pure: no model, no clock, no log.

use std::ops::Range;

use crate::audio::SAMPLE_RATE;
use crate::audio::time::{Millis, TimeSpan};

/// The most that fits into one window: Whisper's own length.
pub const WINDOW_SAMPLES: usize = 30 * SAMPLE_RATE as usize;

/// How the windows are cut; the values were chosen by measuring (docs/benchmarks.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Real audio kept before and after each stretch of speech. A diarizer's edges are not exact, and a word cut in half is lost
    /// or misheard; the model also wants to hear that a sentence ends. A pause of up to twice this stays as it is.
    pub around: Millis,
    /// A window is closed at a pause within this last part of it.
    pub closing: Millis,
}

impl Default for Packing {
    fn default() -> Self {
        Self { around: Millis(500), closing: Millis(8000) }
    }
}

/// A piece of a signal inside a window.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the window, in samples.
    at: usize,
    /// Where it comes from in the signal, in samples.
    source: Range<usize>,
}

/// What is sent to the model in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pieces: Vec<Piece>,
}

impl Window {
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

    /// Its length in samples; at most [`WINDOW_SAMPLES`].
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

    /// Its samples, taken from the signal it was made for.
    #[must_use]
    pub fn samples(&self, signal: &[f32]) -> Vec<f32> {
        let mut samples = Vec::with_capacity(self.len());
        for piece in &self.pieces {
            samples.extend_from_slice(signal.get(piece.source.clone()).unwrap_or_default());
        }
        samples
    }

    /// Carries a stretch of the window (in samples) back to the signal. Where it spans a join it is cut down to the side that
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

/// Lays the stretches of speech of one signal into windows, in order of time.
///
/// `speech` need not be sorted or apart; what lies outside the signal is ignored.
#[must_use]
pub fn pack(signal: &[f32], speech: &[TimeSpan], packing: Packing) -> Vec<Window> {
    let kept = keep(signal.len(), speech, packing);
    let mut windows = Vec::new();
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut length = 0;
    for mut stretch in kept {
        while length + stretch.len() > WINDOW_SAMPLES {
            let room = WINDOW_SAMPLES - length;
            let closing = packing.closing.to_sample();
            // Where to end the window: before this stretch when the window is full enough, else inside this stretch.
            if !open.is_empty() && room < closing {
                windows.push(Window::new(&open));
            } else {
                let cut = stretch.start + quietest(&signal[stretch.start..stretch.start + room], closing);
                open.push(stretch.start..cut);
                windows.push(Window::new(&open));
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
        windows.push(Window::new(&open));
    }
    windows
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

/// The index of the quietest place in the last `closing` samples: the middle of the quietest tenth of a second.
fn quietest(samples: &[f32], closing: usize) -> usize {
    const STEP: usize = SAMPLE_RATE as usize / 50;
    const SPAN: usize = 5;
    let from = samples.len().saturating_sub(closing.max(STEP * SPAN));
    let energies: Vec<f32> = samples[from..].chunks_exact(STEP).map(|part| part.iter().map(|s| s * s).sum()).collect();
    let mut best = (f32::INFINITY, samples.len());
    for (index, group) in energies.windows(SPAN).enumerate() {
        let energy: f32 = group.iter().sum();
        // `<=` prefers the later of two equally quiet places: fuller windows are fewer windows.
        if energy <= best.0 {
            best = (energy, from + index * STEP + STEP * SPAN / 2);
        }
    }
    best.1.max(1)
}
