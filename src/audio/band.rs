//! A signal as a telephone line would pass it on.
//!
//! Voiceprints of wide-band and of telephone speech of one person differ more than those of two people. Who enrols a voice from a
//! wide-band recording takes a second voiceprint from the same speech in the telephone's band.

use super::writer::Writer;
use super::{Audio, BLOCK, SAMPLE_RATE, SignalError};

/// What a line passes on, in Hz (ITU-T G.712: 300 to 3400).
const LOWEST: f64 = 300.0;
const HIGHEST: f64 = 3400.0;
/// Samples to each side that the filter looks at; its edges are about 200 Hz wide.
const REACH: usize = 128;

/// What is looked at to know wide-band speech by: all above what a line of 8 kHz can carry.
const WIDE: f64 = 4200.0;
/// The share of the energy that lies there at least.
const WIDE_SHARE: f64 = 1e-4;

/// Takes out what a telephone line takes out.
///
/// # Errors
/// When the signal cannot be read, or what is left of it cannot be kept.
pub fn telephone(audio: &Audio) -> Result<Audio, SignalError> {
    let mut line = Writer::new(audio.scratch());
    // Kept as the signal itself is.
    line.spill()?;
    filter(audio, LOWEST, HIGHEST, |block| line.push(block))?;
    line.finish()
}

/// Whether there is sound that no telephone line passes on: a wide-band recording, which is worth a second voiceprint.
///
/// # Errors
/// When the signal cannot be read.
pub fn is_wide(audio: &Audio) -> Result<bool, SignalError> {
    let energy = |samples: &[f32]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let (mut whole, mut wide) = (0.0, 0.0);
    for block in audio.blocks(0..audio.len(), BLOCK) {
        whole += energy(&block?);
    }
    filter(audio, WIDE, f64::from(SAMPLE_RATE) / 2.0, |block| {
        wide += energy(block);
        Ok(())
    })?;
    Ok(wide > WIDE_SHARE * whole)
}

/// Hands over what lies between two frequencies, block by block.
fn filter(
    audio: &Audio,
    lowest: f64,
    highest: f64,
    mut take: impl FnMut(&[f32]) -> Result<(), SignalError>,
) -> Result<(), SignalError> {
    let filter = band_pass(lowest, highest);
    for start in (0..audio.len()).step_by(BLOCK) {
        let from = start.saturating_sub(REACH);
        let samples = audio.read(from..start + BLOCK + REACH)?;
        let filtered = |index: usize| {
            let first = index.saturating_sub(REACH);
            let end = (index + REACH + 1).min(samples.len());
            let taps = &filter[first + REACH - index..];
            samples[first..end].iter().zip(taps).map(|(sample, tap)| sample * tap).sum()
        };
        let end = (start + BLOCK).min(audio.len());
        let block: Vec<f32> = (start - from..end - from).map(filtered).collect();
        take(&block)?;
    }
    Ok(())
}

/// The difference of two ideal low-passes under a Hann window.
fn band_pass(lowest: f64, highest: f64) -> Vec<f32> {
    let low_pass = |hertz: f64, offset: f64| {
        let angle = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        if offset == 0.0 { angle / std::f64::consts::PI } else { (angle * offset).sin() / (std::f64::consts::PI * offset) }
    };
    (0..=2 * REACH)
        .map(|index| {
            let offset = index as f64 - REACH as f64;
            let window = 0.5 + 0.5 * (std::f64::consts::PI * offset / (REACH + 1) as f64).cos();
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
            let ratio = level(&telephone(&tone(hertz)).unwrap()) / level(&tone(hertz));
            assert!(if passes { (0.97..1.03).contains(&ratio) } else { ratio < 0.03 }, "{hertz}: {ratio}");
        }
    }

    #[test]
    fn wide_band_is_known_by_what_lies_above() {
        assert!(is_wide(&tone(5000.0)).unwrap());
        assert!(!is_wide(&tone(1000.0)).unwrap());
        assert!(!is_wide(&tone(100.0)).unwrap());
        assert!(!is_wide(&Audio::new(Vec::new())).unwrap());
    }
}
