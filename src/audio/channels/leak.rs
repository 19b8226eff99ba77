//! Finds and removes the leakage of one side of a call into the other's channel: crosstalk on the line, or an echo from
//! the far end.
//!
//! While only the other side talks, this channel contains only the leak, so its path can be estimated: the delay by
//! correlation, an FIR filter by least squares. Removed before anything else uses the channel, the leak causes no
//! second speaker and no duplicated lines, and words that both sides say at once stay on both channels. It is removed
//! only if the model explains the signal.

use super::lag::{LagSearch, MAX_LAG, PIECE};
use super::{Signal, compare};
use crate::audio::leak_removed::Leak;
use crate::audio::{Audio, SignalError};

/// Maximum number of half-second pieces, evenly spread over the recording; enough to average out the voices.
const MAX_PIECES: usize = 48;
/// Minimum number of pieces for an estimate.
const MIN_PIECES: usize = 3;

/// Minimum level difference to this channel while only the other side talks, in dB; the strongest leaks are at -6 dB.
const MIN_LEVEL_DIFFERENCE_DB: f32 = 3.0;

/// Minimum mean correlation at the lag; two independent voices stay below 0.1.
const MIN_CORRELATION: f32 = 0.25;
/// Minimum correlation of a single piece that shows the leak without other sound.
const CLEAR_CORRELATION: f32 = 0.5;

/// Number of filter taps, and how many of them precede the lag: 4 ms, the spread of a hybrid, most of it after the lag.
const TAPS: usize = 64;
const TAPS_BEFORE: isize = 16;

/// Maximum share of energy left in the clear pieces (-7 dB).
const MAX_RESIDUAL: f64 = 0.2;

/// Regularizes least squares where the voices have no energy, as above the telephone band.
const REGULARIZATION: f64 = 1e-4;

/// Returns the signals with the leakage between them removed.
pub(super) fn remove_leaks(signals: &[Signal]) -> Result<Vec<Signal>, SignalError> {
    let mut cleaned = Vec::with_capacity(signals.len());
    for (index, signal) in signals.iter().enumerate() {
        let mut leaks = Vec::new();
        for (_, other) in signals.iter().enumerate().filter(|(other, _)| *other != index) {
            leaks.extend(find(&other.audio, &signal.audio)?);
        }
        let audio = if leaks.is_empty() { signal.audio.clone() } else { signal.audio.clone().without_leaks(leaks) };
        cleaned.push(Signal { channels: signal.channels.clone(), audio });
    }
    Ok(cleaned)
}

/// Estimates the leak of `other` into `here`; `None` if there is no clear one.
fn find(other: &Audio, here: &Audio) -> Result<Option<Leak>, SignalError> {
    let pieces = single_talk_pieces(other, here)?;
    let mut search = LagSearch::new(-TAPS_BEFORE..=MAX_LAG);
    let mut found = Vec::with_capacity(pieces.len());
    for start in pieces {
        if let Some(correlation) = search.add(other, here, start)? {
            found.push((start, correlation));
        }
    }
    let Some((lag, _)) = search.best().filter(|(_, correlation)| correlation.abs() >= MIN_CORRELATION) else { return Ok(None) };
    let at = (lag + TAPS_BEFORE).cast_unsigned();
    let undisturbed = found
        .iter()
        .filter(|(_, correlation)| correlation.get(at).is_some_and(|correlation| correlation.abs() >= CLEAR_CORRELATION));
    let starts: Vec<usize> = undisturbed.map(|(start, _)| *start).collect();
    if starts.len() < MIN_PIECES {
        return Ok(None);
    }
    let delay = lag - TAPS_BEFORE;
    let Some(taps) = filter(other, here, &starts, delay)? else { return Ok(None) };
    let leak = Leak { from: other.clone(), delay, taps };
    let (mut before, mut after) = (0.0, 0.0);
    for start in starts {
        let (leaked, there) = (leak.leaked(start..start + PIECE)?, here.read(start..start + PIECE)?);
        before += there.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        after += there.iter().zip(leaked).map(|(sample, leaked)| f64::from(sample - leaked).powi(2)).sum::<f64>();
    }
    Ok((after <= MAX_RESIDUAL * before).then_some(leak))
}

/// Start samples of pieces in which `other` talks and is louder, evenly thinned.
fn single_talk_pieces(other: &Audio, here: &Audio) -> Result<Vec<usize>, SignalError> {
    let frames = PIECE / compare::FRAME;
    let (levels, beside) = (compare::frame_levels(other)?, compare::frame_levels(here)?);
    let floor = compare::activity_floor(&levels);
    let power = |levels: &[f32]| levels.iter().map(|level| level * level).sum::<f32>();
    let louder = 10.0_f32.powf(MIN_LEVEL_DIFFERENCE_DB / 10.0);
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
    let step = pieces.len().div_ceil(MAX_PIECES).max(1);
    Ok(pieces.into_iter().step_by(step).collect())
}

/// The FIR filter from `other` to its leak, beginning at `delay`, by least squares over the pieces.
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
    own[0] *= 1.0 + REGULARIZATION;
    Ok(solve_toeplitz(&own, &crossed).map(|taps| taps.iter().map(|tap| *tap as f32).collect()))
}

/// Levinson recursion: solves a symmetric Toeplitz system given by the first row of its matrix; `None` if it is
/// singular.
fn solve_toeplitz(row: &[f64; TAPS], right: &[f64; TAPS]) -> Option<[f64; TAPS]> {
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
        let found = solve_toeplitz(&row, &right).unwrap();
        assert!(found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-9), "{found:?}");
        assert_eq!(solve_toeplitz(&[0.0; TAPS], &right), None);
    }
}
