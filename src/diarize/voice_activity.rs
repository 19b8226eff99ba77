//! Voice activity detection with the crate `earshot`, which contains the weights of its detector.

use earshot::Detector;

use super::DiarizeError;
use crate::audio::{Audio, SignalError};
use crate::context::JobContext;

/// Samples per frame (16 ms).
pub(super) const FRAME: usize = 256;
/// Scores at which speech begins and ends.
const ONSET: f32 = 0.5;
const OFFSET: f32 = 0.42;
/// Frames over which the score is averaged.
const SMOOTHING: usize = 7;
/// Measured delay of the detector in frames: its window of three frames ends with the newest one.
const DELAY: usize = 2;
/// Minimum level of speech relative to the loud moments of the recording: -40 dB, as a ratio of mean squares.
const AUDIBLE: f32 = 1e-4;
/// Peak of the added dither, three steps of 16 bits.
const DITHER: f32 = 1e-4;
/// Frames between two checks of the stop signal.
const BLOCK: usize = 512;

/// The detector's score for each frame, 0 to 1.
pub(super) fn scores(ctx: &JobContext, audio: &Audio) -> Result<Vec<f32>, DiarizeError> {
    let mut detector = Detector::default_boxed();
    let mut samples = audio.cursor();
    let frames = audio.len().div_ceil(FRAME);
    let mut scores = Vec::with_capacity(frames + DELAY);
    let mut last = [0.0; FRAME];
    let mut dither = Dither(1);
    for index in 0..frames + DELAY {
        if index % BLOCK == 0 {
            ctx.check()?;
        }
        let inside = samples.slice(index * FRAME..(index + 1) * FRAME)?;
        last[..inside.len()].copy_from_slice(inside);
        last[inside.len()..].fill(0.0);
        for sample in &mut last {
            *sample = (*sample + dither.next_sample()).clamp(-1.0, 1.0);
        }
        scores.push(detector.predict_f32(&last));
    }
    scores.drain(..DELAY);
    Ok(scores)
}

/// Deterministic low-level white noise.
///
/// The detector takes logarithms of band energies up to 8 kHz and was never trained on an empty band. Above 4 kHz,
/// which telephones do not transmit, a good resampler leaves exactly nothing, and the scores become meaningless. 16-bit
/// recordings have their rounding noise there.
struct Dither(u32);

impl Dither {
    fn next_sample(&mut self) -> f32 {
        // Linear congruential generator of Numerical Recipes; its upper bits are sufficiently uniform.
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.0 >> 8) as f32 / 8_388_608.0 - 1.0) * DITHER
    }
}

/// Speech decision for each frame, from the averaged score with hysteresis.
pub(super) fn active_frames(scores: &[f32]) -> Vec<bool> {
    let half = SMOOTHING / 2;
    let mut sums = Vec::with_capacity(scores.len() + 1);
    sums.push(0.0_f64);
    for score in scores {
        sums.push(sums[sums.len() - 1] + f64::from(*score));
    }
    let mut speaking = false;
    (0..scores.len())
        .map(|index| {
            let (from, to) = (index.saturating_sub(half), (index + half + 1).min(scores.len()));
            let mean = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
            speaking = mean >= if speaking { OFFSET } else { ONSET };
            speaking
        })
        .collect()
}

/// Ranges of active frames, joined across gaps of up to `gap` frames; ranges shorter than `shortest` are dropped.
pub(super) fn speech_segments(active: &[bool], gap: usize, shortest: usize) -> Vec<(usize, usize)> {
    let mut speech_segments: Vec<(usize, usize)> = Vec::new();
    for frame in (0..active.len()).filter(|frame| active[*frame]) {
        match speech_segments.last_mut() {
            Some((_, end)) if frame <= *end + gap => *end = frame + 1,
            _ => speech_segments.push((frame, frame + 1)),
        }
    }
    speech_segments.retain(|(start, end)| end - start >= shortest);
    speech_segments
}

/// Keeps the segments whose loud moments are within [`AUDIBLE`] of those of the recording. The detector adapts to its
/// input and takes the faint noise after a loud tone for speech.
pub(super) fn audible(mut speech_segments: Vec<(usize, usize)>, audio: &Audio) -> Result<Vec<(usize, usize)>, SignalError> {
    let level = |frame: &[f32]| frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
    let mut levels: Vec<f32> = Vec::with_capacity(audio.len() / FRAME + 1);
    for block in audio.blocks(0..audio.len(), BLOCK * FRAME) {
        levels.extend(block?.chunks(FRAME).map(level));
    }
    let loud = loud_moments(&levels);
    speech_segments.retain(|(start, end)| {
        let inside = levels.get(*start..(*end).min(levels.len())).unwrap_or_default();
        loud_moments(inside) >= loud * AUDIBLE
    });
    Ok(speech_segments)
}

/// The level that one frame in twenty exceeds, as mean square.
fn loud_moments(levels: &[f32]) -> f32 {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_forty_decibels_below_the_rest_are_dropped() {
        let mut samples = vec![0.1; 100 * FRAME];
        samples[50 * FRAME..].fill(0.0005);
        let audio = Audio::new(samples);
        assert_eq!(audible(vec![(10, 40), (60, 90)], &audio).unwrap(), [(10, 40)]);
    }

    #[test]
    fn silence_is_not_speech_and_every_frame_has_a_score() {
        let scores = scores(&JobContext::detached(), &Audio::new(vec![0.0; 16_100])).unwrap();
        assert_eq!(scores.len(), 63);
        assert!(active_frames(&scores).iter().all(|active| !active));
    }

    #[test]
    fn speech_begins_and_ends_at_different_scores() {
        let level = |value: f32| vec![value; 20];
        let active = active_frames(&[level(0.4), level(0.9), level(0.45), level(0.0)].concat());
        assert_eq!([active[5], active[30], active[50], active[75]], [false, true, true, false]);
    }

    #[test]
    fn segments_are_joined_and_short_ones_dropped() {
        let active: Vec<bool> = "..##.##......#...###".chars().map(|c| c == '#').collect();
        assert_eq!(speech_segments(&active, 1, 2), [(2, 7), (17, 20)]);
    }
}
