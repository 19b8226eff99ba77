//! What one side of a call leaves on the channel of the other: crosstalk of the line, or an echo that comes back from its far end.
//!
//! Where only the other side speaks, this channel holds nothing but the leak, so the way it went can be worked out: its delay by
//! correlation, its filter by least squares. Taken out before anything else sees the channel, it is no second speaker and no
//! doubled line, and a word that both sides say at once stays on both. It is taken out only when it explains what is there.

use super::lag::{LONGEST, PIECE, Search};
use super::{Signal, compare};
use crate::audio::leak_removed::Leak;
use crate::audio::{Audio, SignalError};

/// Pieces of half a second that are looked at, evenly spread over the recording: enough to average out the voices.
const MOST_PIECES: usize = 48;
/// The fewest that prove anything.
const LEAST_PIECES: usize = 3;

/// Where only the other side speaks it is so much louder, in decibels: a leak of -6 dB is the strongest that lines have.
const LOUDER_DB: f32 = 3.0;

/// A lag is believed when the pieces are so alike there on the average: two voices by themselves stay under 0.1.
const ALIKE: f32 = 0.25;
/// A piece shows the leak undisturbed when it is so alike by itself.
const UNDISTURBED: f32 = 0.5;

/// Samples of the filter, and how many of them lie before the lag: 4 ms, the spread of a hybrid, most of it behind.
const TAPS: usize = 64;
const BEFORE: isize = 16;

/// What is left of the undisturbed pieces must have at most this share of their energy (-7 dB).
const LEFT: f64 = 0.2;

/// Steadies the least squares where the voices have no energy, as above the telephone band.
const STEADY: f64 = 1e-4;

/// The signals without what leaks from one into another.
pub(super) fn take_out(signals: &[Signal]) -> Result<Vec<Signal>, SignalError> {
    let mut cleaned = Vec::with_capacity(signals.len());
    for (index, signal) in signals.iter().enumerate() {
        let mut leaks = Vec::new();
        for (_, other) in signals.iter().enumerate().filter(|(other, _)| *other != index) {
            leaks.extend(find(&other.audio, &signal.audio)?);
        }
        let audio = if leaks.is_empty() { signal.audio.clone() } else { signal.audio.clone().less(leaks) };
        cleaned.push(Signal { channels: signal.channels.clone(), audio });
    }
    Ok(cleaned)
}

/// What `other` leaves in `here`, if it is there and can be told.
fn find(other: &Audio, here: &Audio) -> Result<Option<Leak>, SignalError> {
    let pieces = alone(other, here)?;
    let mut search = Search::new(-BEFORE..=LONGEST);
    let mut found = Vec::with_capacity(pieces.len());
    for start in pieces {
        if let Some(likeness) = search.add(other, here, start)? {
            found.push((start, likeness));
        }
    }
    let Some((lag, _)) = search.best().filter(|(_, likeness)| likeness.abs() >= ALIKE) else { return Ok(None) };
    let at = (lag + BEFORE).cast_unsigned();
    let undisturbed = found.iter().filter(|(_, likeness)| likeness.get(at).is_some_and(|likeness| likeness.abs() >= UNDISTURBED));
    let starts: Vec<usize> = undisturbed.map(|(start, _)| *start).collect();
    if starts.len() < LEAST_PIECES {
        return Ok(None);
    }
    let delay = lag - BEFORE;
    let Some(taps) = filter(other, here, &starts, delay)? else { return Ok(None) };
    let leak = Leak { from: other.clone(), delay, taps };
    let (mut before, mut after) = (0.0, 0.0);
    for start in starts {
        let (heard, there) = (leak.heard(start..start + PIECE)?, here.read(start..start + PIECE)?);
        before += there.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        after += there.iter().zip(heard).map(|(sample, heard)| f64::from(sample - heard).powi(2)).sum::<f64>();
    }
    Ok((after <= LEFT * before).then_some(leak))
}

/// Pieces in which `other` speaks and is the louder one; evenly spread.
fn alone(other: &Audio, here: &Audio) -> Result<Vec<usize>, SignalError> {
    let frames = PIECE / compare::FRAME;
    let (levels, beside) = (compare::frame_levels(other)?, compare::frame_levels(here)?);
    let floor = compare::activity_floor(&levels);
    let power = |levels: &[f32]| levels.iter().map(|level| level * level).sum::<f32>();
    let louder = 10.0_f32.powf(LOUDER_DB / 10.0);
    let pieces: Vec<usize> = levels
        .chunks_exact(frames)
        .zip(beside.chunks_exact(frames))
        .enumerate()
        .filter(|(_, (own, beside))| {
            let speaking = own.iter().filter(|level| **level > floor).count() * 2 >= frames;
            speaking && power(own) > louder * power(beside)
        })
        .map(|(index, _)| index * PIECE)
        .collect();
    let step = pieces.len().div_ceil(MOST_PIECES).max(1);
    Ok(pieces.into_iter().step_by(step).collect())
}

/// The filter that turns `other` into what is heard of it from `delay` on, by least squares over the pieces.
fn filter(other: &Audio, here: &Audio, starts: &[usize], delay: isize) -> Result<Option<Vec<f32>>, SignalError> {
    let (mut own, mut crossed) = ([0.0_f64; TAPS], [0.0_f64; TAPS]);
    for &start in starts {
        let source = other.read(start..start + PIECE)?;
        let first = start.cast_signed() + delay;
        if first < 0 {
            continue;
        }
        let target = here.read(first.cast_unsigned()..first.cast_unsigned() + PIECE + TAPS)?;
        let product = |with: &[f32]| source.iter().zip(with).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        for tap in 0..TAPS {
            own[tap] += product(source.get(tap..).unwrap_or_default());
            crossed[tap] += product(target.get(tap..).unwrap_or_default());
        }
    }
    own[0] *= 1.0 + STEADY;
    Ok(solve(&own, &crossed).map(|taps| taps.iter().map(|tap| *tap as f32).collect()))
}

/// Levinson's recursion: the solution for a symmetric Toeplitz matrix with this first row.
fn solve(row: &[f64; TAPS], right: &[f64; TAPS]) -> Option<[f64; TAPS]> {
    let mut solution = [0.0; TAPS];
    let mut predictor = [0.0; TAPS];
    let mut error = row[0];
    for order in 0..TAPS {
        if error <= 0.0 || !error.is_finite() {
            return None;
        }
        if order > 0 {
            let reflected = (row[order] - (1..order).map(|tap| predictor[tap] * row[order - tap]).sum::<f64>()) / error;
            let before = predictor;
            for tap in 1..order {
                predictor[tap] = before[tap] - reflected * before[order - tap];
            }
            predictor[order] = reflected;
            error *= 1.0 - reflected * reflected;
            if error <= 0.0 {
                return None;
            }
        }
        let step = (right[order] - (0..order).map(|tap| solution[tap] * row[order - tap]).sum::<f64>()) / error;
        for tap in 0..order {
            solution[tap] -= step * predictor[order - tap];
        }
        solution[order] = step;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recursion_solves_its_system() {
        let row: [f64; TAPS] = std::array::from_fn(|lag| (-0.1 * lag as f64).exp() + if lag == 0 { 0.1 } else { 0.0 });
        let wanted: [f64; TAPS] = std::array::from_fn(|tap| (tap as f64 * 0.7).sin());
        let right: [f64; TAPS] =
            std::array::from_fn(|line| (0..TAPS).map(|column| row[line.abs_diff(column)] * wanted[column]).sum());
        let found = solve(&row, &right).unwrap();
        assert!(found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-9), "{found:?}");
        assert_eq!(solve(&[0.0; TAPS], &right), None);
    }
}
