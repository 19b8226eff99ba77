//! The feature recipe `mfcc40-wq`: 40 MFCCs every 32 ms, as librosa's `feature.mfcc` computes them by default.
//!
//! The statistics and BiLSTM encoders were trained on exactly this: no pre-emphasis, no dither, no mean normalisation.

use super::filterbank::FilterBank;
use super::frame_table::{FrameTable, FrameTableWriter};
use super::spectrum::{Edge, Spectrum};
use crate::audio::{Audio, Cursor, SAMPLE_RATE, SignalError};

pub(super) const HOP: usize = 512;
pub(super) const COEFFICIENTS: usize = 40;
const LENGTH: usize = 2048;
const BANDS: usize = 128;
/// Lower bound of a band's power before the logarithm.
const FLOOR: f32 = 1e-10;
/// Band levels are limited to this many dB below the loudest band of the recording.
const RANGE_DB: f32 = 80.0;

/// Computes the coefficients of all frames.
pub(super) fn mfcc(audio: &Audio) -> Result<FrameTable, SignalError> {
    let mut spectrum = Spectrum::new(LENGTH, HOP, Edge::Zeros);
    let bank = FilterBank::slaney(SAMPLE_RATE, LENGTH, BANDS);
    let cosines = cosine_table();
    let frames = spectrum.frames(audio.len());
    let mut signal = audio.cursor();
    let mut decibels = vec![0.0; bank.bands()];
    // The floor depends on the loudest band of the whole recording. A second pass costs little time; storing 128 bands
    // of hours of audio would cost much memory.
    let mut loudest = f32::MIN;
    for index in 0..frames {
        log_bands(&mut spectrum, &bank, &mut signal, index, &mut decibels)?;
        loudest = decibels.iter().copied().fold(loudest, f32::max);
    }
    let floor = loudest - RANGE_DB;
    let mut rows = FrameTableWriter::new(COEFFICIENTS, &audio.scratch())?;
    let mut coefficients = [0.0; COEFFICIENTS];
    for index in 0..frames {
        log_bands(&mut spectrum, &bank, &mut signal, index, &mut decibels)?;
        for value in &mut decibels {
            *value = value.max(floor);
        }
        for (coefficient, row) in coefficients.iter_mut().zip(cosines.chunks_exact(BANDS)) {
            *coefficient = super::dot(row, &decibels);
        }
        rows.push(&coefficients)?;
    }
    rows.finish()
}

fn log_bands(
    spectrum: &mut Spectrum,
    bank: &FilterBank,
    signal: &mut Cursor<'_>,
    index: usize,
    decibels: &mut [f32],
) -> Result<(), SignalError> {
    let (power, _) = spectrum.frame(signal, index)?;
    bank.apply(power, decibels);
    for value in decibels {
        *value = 10.0 * value.max(FLOOR).log10();
    }
    Ok(())
}

/// The first rows of the orthonormal DCT-II.
fn cosine_table() -> Vec<f32> {
    let bands = BANDS as f64;
    let mut table = Vec::with_capacity(COEFFICIENTS * BANDS);
    for row in 0..COEFFICIENTS {
        let scale = if row == 0 { (1.0 / bands).sqrt() } else { (2.0 / bands).sqrt() };
        for band in 0..BANDS {
            let angle = std::f64::consts::PI * row as f64 * (2 * band + 1) as f64 / (2.0 * bands);
            table.push((angle.cos() * scale) as f32);
        }
    }
    table
}
