//! Voice activity from the detector whose weights come with the crate `earshot`: where anyone speaks.

use earshot::Detector;

use super::DiarizeError;
use crate::audio::{Audio, SignalError};
use crate::context::JobContext;

/// Samples of one frame.
pub(super) const FRAME: usize = 256;
/// Speech begins above this score and ends below the lower one.
const BEGIN: f32 = 0.5;
const END: f32 = 0.42;
/// Frames that the score is averaged over.
const SMOOTHING: usize = 7;
/// The detector's window ends with the newest frame and is three frames long, and it answers late: measured, by two frames.
const DELAY: usize = 2;
/// How faint speech may be beside the louder moments of the recording: 40 dB, as a ratio of mean squares.
const AUDIBLE: f32 = 1e-4;
/// The loudest sample of the noise that is added, three steps of 16 bits.
const HISS: f32 = 1e-4;
/// Frames between two looks at the stop signal.
const BLOCK: usize = 512;

/// The score of each frame, 0 to 1.
pub(super) fn scores(ctx: &JobContext, audio: &Audio) -> Result<Vec<f32>, DiarizeError> {
    let mut detector = Detector::default_boxed();
    let mut samples = audio.cursor();
    let frames = audio.len().div_ceil(FRAME);
    let mut scores = Vec::with_capacity(frames + DELAY);
    let mut last = [0.0; FRAME];
    let mut hiss = Hiss(1);
    for index in 0..frames + DELAY {
        if index % BLOCK == 0 {
            ctx.check()?;
        }
        let inside = samples.slice(index * FRAME..(index + 1) * FRAME)?;
        last[..inside.len()].copy_from_slice(inside);
        last[inside.len()..].fill(0.0);
        for sample in &mut last {
            *sample = (*sample + hiss.next_sample()).clamp(-1.0, 1.0);
        }
        scores.push(detector.predict_f32(&last));
    }
    scores.drain(..DELAY);
    Ok(scores)
}

/// A faint even noise, the same every time.
///
/// The detector looks at logarithms of energies up to 8 kHz and has never heard an empty band: what telephones leave out above
/// 4 kHz, a good resampler leaves at exactly nothing, and the scores lose their meaning. Recordings of 16 bits have their
/// rounding noise there.
struct Hiss(u32);

impl Hiss {
    fn next_sample(&mut self) -> f32 {
        // The constants of Numerical Recipes; the upper bits are even enough.
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.0 >> 8) as f32 / 8_388_608.0 - 1.0) * HISS
    }
}

/// Whether each frame is speech: the averaged score, with two thresholds so that it does not flutter.
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
            speaking = mean >= if speaking { END } else { BEGIN };
            speaking
        })
        .collect()
}

/// Stretches of active frames, those joined that lie at most `gap` frames apart, without those shorter than `shortest`.
pub(super) fn stretches(active: &[bool], gap: usize, shortest: usize) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for frame in (0..active.len()).filter(|frame| active[*frame]) {
        match stretches.last_mut() {
            Some((_, end)) if frame <= *end + gap => *end = frame + 1,
            _ => stretches.push((frame, frame + 1)),
        }
    }
    stretches.retain(|(start, end)| end - start >= shortest);
    stretches
}

/// Keeps the stretches that can be heard: whose louder moments come within [`AUDIBLE`] of the recording's. The detector adapts
/// to what it hears, and takes the faint hiss after a loud tone for speech.
pub(super) fn audible(mut stretches: Vec<(usize, usize)>, audio: &Audio) -> Result<Vec<(usize, usize)>, SignalError> {
    let level = |frame: &[f32]| frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
    let mut levels: Vec<f32> = Vec::with_capacity(audio.len() / FRAME + 1);
    for block in audio.blocks(0..audio.len(), BLOCK * FRAME) {
        levels.extend(block?.chunks(FRAME).map(level));
    }
    let loud = loud_moments(&levels);
    stretches.retain(|(start, end)| {
        let inside = levels.get(*start..(*end).min(levels.len())).unwrap_or_default();
        loud_moments(inside) >= loud * AUDIBLE
    });
    Ok(stretches)
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
    fn what_is_forty_decibels_below_the_rest_is_not_heard() {
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
    fn stretches_are_joined_and_short_ones_dropped() {
        let active: Vec<bool> = "..##.##......#...###".chars().map(|c| c == '#').collect();
        assert_eq!(stretches(&active, 1, 2), [(2, 7), (17, 20)]);
    }
}
