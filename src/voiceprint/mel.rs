//! The feature recipe `mel40-ge2e`: mel power every 10 ms, and the placement of partial utterances, for GE2E encoders.
//!
//! Sources: L. Wan et al., "Generalized End-to-End Loss for Speaker Verification", 2018 (partial utterances); the front
//! end is that of Resemblyzer 0.1.4, with which the encoder was trained: power, without a logarithm.

use super::filterbank::FilterBank;
use super::frame_table::{FrameTable, FrameTableWriter};
use super::spectrum::{Edge, Spectrum};
use crate::audio::{Audio, SAMPLE_RATE, SignalError};

pub(super) const HOP: usize = 160;
pub(super) const BANDS: usize = 40;
const LENGTH: usize = 400;
/// Frames per partial utterance, as in training (1.6 s).
pub(super) const PARTIAL: usize = 160;
/// Target mean square for quiet speech (-30 dBFS); louder speech is not changed.
const LEVEL: f64 = 1e-3;

/// Mel power of all frames, and the mean square of each frame.
pub(super) fn mel_power(audio: &Audio) -> Result<(FrameTable, Vec<f32>), SignalError> {
    let mut spectrum = Spectrum::new(LENGTH, HOP, Edge::Mirror);
    let bank = FilterBank::slaney(SAMPLE_RATE, LENGTH, BANDS);
    let frames = spectrum.frames(audio.len());
    let mut signal = audio.cursor();
    let mut mel = FrameTableWriter::new(BANDS, &audio.scratch())?;
    let mut bands = [0.0; BANDS];
    let mut levels = Vec::with_capacity(frames);
    for index in 0..frames {
        let (power, level) = spectrum.frame(&mut signal, index)?;
        bank.apply(power, &mut bands);
        mel.push(&bands)?;
        levels.push(level);
    }
    Ok((mel.finish()?, levels))
}

/// The gain to apply to the mel power of frames with this mean square.
pub(super) fn gain(mean_square: f64) -> f32 {
    (LEVEL / (mean_square + 1e-12)).max(1.0) as f32
}

/// Start frames of evenly spread partials: as many as fit without overlap, one more if more than half a partial would
/// remain, and at most `limit`. Empty if one shorter partial covers all frames. Spreading a few partials instead of
/// overlapping them is several times faster and costs 0.3 to 0.5 points of DER.
pub(super) fn spread_partials(frames: usize, limit: usize) -> Vec<usize> {
    if frames <= PARTIAL {
        return Vec::new();
    }
    let count = ((frames + PARTIAL / 2) / PARTIAL).min(limit.max(1));
    let room = frames - PARTIAL;
    if count == 1 { vec![room / 2] } else { (0..count).map(|index| index * room / (count - 1)).collect() }
}

/// Start frames of partials that overlap by half, as in Resemblyzer; an additional last one ends at the last frame if
/// at least half a step would remain.
pub(super) fn overlapping_partials(frames: usize) -> Vec<usize> {
    const STEP: usize = PARTIAL / 2;
    if frames <= PARTIAL {
        return Vec::new();
    }
    let mut starts: Vec<usize> = (0..=frames - PARTIAL).step_by(STEP).collect();
    let left_over = (frames - PARTIAL) % STEP;
    if left_over >= STEP / 2 {
        starts.push(frames - PARTIAL);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_cover_the_frames() {
        assert!(spread_partials(160, 3).is_empty());
        assert_eq!(spread_partials(161, 3), [0]);
        assert_eq!(spread_partials(239, 3), [39]);
        assert_eq!(spread_partials(240, 3), [0, 80]);
        assert_eq!(spread_partials(1000, 3), [0, 420, 840]);
        assert_eq!(overlapping_partials(400), [0, 80, 160, 240]);
        assert_eq!(overlapping_partials(445), [0, 80, 160, 240, 285]);
        assert_eq!(overlapping_partials(430), [0, 80, 160, 240]);
    }

    #[test]
    fn quiet_speech_is_raised_and_loud_speech_left() {
        assert!((gain(1e-5) - 100.0).abs() < 0.01);
        assert!((gain(0.5) - 1.0).abs() < f32::EPSILON);
    }
}
