//! Limits a signal to the band of a telephone line.
//!
//! Voiceprints of wideband and telephone speech of one person differ more than those of two people. Enrolment from a
//! wideband recording therefore adds a second voiceprint from the same speech in the telephone band.

use super::levels::Correction;
use super::signal_writer::SignalWriter;
use super::{Audio, BLOCK, SAMPLE_RATE, SignalError};

/// Passband of a telephone line in Hz (ITU-T G.712: 300 to 3400).
const LOW_HZ: f64 = 300.0;
const HIGH_HZ: f64 = 3400.0;
/// Filter taps to each side; the transition bands are about 200 Hz wide.
const FILTER_REACH: usize = 128;

/// Frequencies above this, in Hz, cannot be transmitted at 8 kHz.
const WIDEBAND_HZ: f64 = 4200.0;
/// Minimum share of energy above [`WIDEBAND_HZ`] in wideband speech.
const MIN_WIDEBAND_SHARE: f64 = 1e-4;

/// Filters a signal to the telephone band.
///
/// # Errors
/// When the signal cannot be read, or the result cannot be stored.
pub fn to_telephone_band(audio: &Audio) -> Result<Audio, SignalError> {
    let mut line = SignalWriter::new(audio.scratch());
    // Stored where the signal itself is.
    line.spill()?;
    filter(audio, LOW_HZ, HIGH_HZ, |block| line.push(block))?;
    line.finish(Correction::NONE)
}

/// True if the signal has energy that no telephone line transmits, so that a second voiceprint is worthwhile.
///
/// # Errors
/// When the signal cannot be read.
pub fn is_wideband(audio: &Audio) -> Result<bool, SignalError> {
    let energy = |samples: &[f32]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let (mut whole, mut wide) = (0.0, 0.0);
    for block in audio.blocks(0..audio.len(), BLOCK) {
        whole += energy(&block?);
    }
    filter(audio, WIDEBAND_HZ, f64::from(SAMPLE_RATE) / 2.0, |block| {
        wide += energy(block);
        Ok(())
    })?;
    Ok(wide > MIN_WIDEBAND_SHARE * whole)
}

/// Passes the band between two frequencies to `take`, block by block.
fn filter(
    audio: &Audio,
    lowest: f64,
    highest: f64,
    mut take: impl FnMut(&[f32]) -> Result<(), SignalError>,
) -> Result<(), SignalError> {
    let filter = band_pass(lowest, highest);
    for start in (0..audio.len()).step_by(BLOCK) {
        let from = start.saturating_sub(FILTER_REACH);
        let samples = audio.read(from..start + BLOCK + FILTER_REACH)?;
        let filtered = |index: usize| {
            let first = index.saturating_sub(FILTER_REACH);
            let end = (index + FILTER_REACH + 1).min(samples.len());
            let taps = &filter[first + FILTER_REACH - index..];
            samples[first..end].iter().zip(taps).map(|(sample, tap)| sample * tap).sum()
        };
        let end = (start + BLOCK).min(audio.len());
        let block: Vec<f32> = (start - from..end - from).map(filtered).collect();
        take(&block)?;
    }
    Ok(())
}

/// The difference of two ideal low-pass filters under a Hann window.
fn band_pass(lowest: f64, highest: f64) -> Vec<f32> {
    let low_pass = |hertz: f64, offset: f64| {
        let angle = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        if offset == 0.0 { angle / std::f64::consts::PI } else { (angle * offset).sin() / (std::f64::consts::PI * offset) }
    };
    (0..=2 * FILTER_REACH)
        .map(|index| {
            let offset = index as f64 - FILTER_REACH as f64;
            let window = 0.5 + 0.5 * (std::f64::consts::PI * offset / (FILTER_REACH + 1) as f64).cos();
            ((low_pass(highest, offset) - low_pass(lowest, offset)) * window) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32) -> Audio {
        Audio::new((0..16_000).map(|index| 0.5 * (std::f32::consts::TAU * hertz * index as f32 / 16_000.0).sin()).collect())
    }

    fn level(audio: &Audio) -> f32 {
        // Without the ends, where the filter sees an edge.
        let inside = audio.read(1000..15_000).unwrap();
        (inside.iter().map(|sample| sample * sample).sum::<f32>() / inside.len() as f32).sqrt()
    }

    #[test]
    fn the_band_passes_and_the_rest_does_not() {
        for (hertz, passes) in [(50.0, false), (1000.0, true), (3000.0, true), (4200.0, false), (7000.0, false)] {
            let ratio = level(&to_telephone_band(&tone(hertz)).unwrap()) / level(&tone(hertz));
            assert!(if passes { (0.97..1.03).contains(&ratio) } else { ratio < 0.03 }, "{hertz}: {ratio}");
        }
    }

    #[test]
    fn wide_band_is_known_by_what_lies_above() {
        assert!(is_wideband(&tone(5000.0)).unwrap());
        assert!(!is_wideband(&tone(1000.0)).unwrap());
        assert!(!is_wideband(&tone(100.0)).unwrap());
        assert!(!is_wideband(&Audio::new(Vec::new())).unwrap());
    }
}
