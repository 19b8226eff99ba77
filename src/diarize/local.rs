//! The local speakers of all windows: who they are in sound and in time, before anyone knows which of them are one person.
//!
//! Pure but for the voiceprints, which come from the model.

use super::DiarizeError;
use super::segmentation::{RECEPTIVE_FIELD, SLOTS, STEP, WINDOW, Window};
use crate::audio::SAMPLE_RATE;
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::voiceprint::{Effort, Features, VoiceprintModel};

/// Seconds from one frame to the next.
pub(super) const FRAME_SECONDS: f32 = STEP as f32 / SAMPLE_RATE as f32;
/// Less speech alone than this, and what is said together with others is used for the voiceprint as well.
const ENOUGH_ALONE_SECONDS: f32 = 0.5;
/// Local speakers embedded between two looks at the stop signal.
const BLOCK: usize = 48;

/// One of up to three speakers of one window.
#[derive(Debug, Clone)]
pub(super) struct LocalSpeaker {
    pub(super) window: usize,
    pub(super) slot: usize,
    /// How long it speaks alone in the window.
    pub(super) alone_seconds: f32,
    /// The same, but a stretch that several windows see counts for one in all of them together.
    pub(super) own_seconds: f32,
    /// Of length 1; none when there is too little to go by.
    pub(super) vector: Option<Vec<f32>>,
}

/// All local speakers with their voiceprints, in order of their windows.
pub(super) fn local_speakers(
    ctx: &JobContext,
    windows: &[Window],
    features: &Features,
    model: &mut VoiceprintModel,
) -> Result<Vec<LocalSpeaker>, DiarizeError> {
    let coverage = coverage(windows);
    let mut speakers = Vec::new();
    for (index, window) in windows.iter().enumerate() {
        for slot in (0..SLOTS).filter(|slot| window.active.iter().any(|active| active >> slot & 1 == 1)) {
            let first = window.first_global_frame();
            let share = |frame: usize| 1.0 / f32::from(coverage[first + frame].max(1));
            let alone = (0..window.active.len()).filter(|frame| window.is_alone(*frame, slot));
            speakers.push(LocalSpeaker {
                window: index,
                slot,
                alone_seconds: window.frames_alone(slot) as f32 * FRAME_SECONDS,
                own_seconds: alone.map(share).sum::<f32>() * FRAME_SECONDS,
                vector: None,
            });
        }
    }
    let total = speakers.len();
    for (block, chunk) in speakers.chunks_mut(BLOCK).enumerate() {
        ctx.check()?;
        let frames: Vec<Vec<usize>> = chunk.iter().map(|speaker| frames_of(speaker, windows, features)).collect();
        let vectors =
            model.embed_many(features, &frames, Effort::Quick).map_err(|error| DiarizeError::Model(error.to_string()))?;
        for (speaker, vector) in chunk.iter_mut().zip(vectors) {
            speaker.vector = vector;
        }
        // The windows took the first half of the stage.
        ctx.report_part(Stage::Diarization, total + block * BLOCK, 2 * total);
    }
    Ok(speakers)
}

/// By how many windows each frame of the recording is seen.
pub(super) fn coverage(windows: &[Window]) -> Vec<u16> {
    let end = windows.iter().map(|window| window.first_global_frame() + window.active.len()).max().unwrap_or(0);
    let mut coverage = vec![0_u16; end];
    for window in windows {
        let first = window.first_global_frame();
        for count in &mut coverage[first..first + window.active.len()] {
            *count = count.saturating_add(1);
        }
    }
    coverage
}

/// The feature frames that a local speaker's voiceprint is taken from: where it is alone, or, when that is too short, where
/// it is active at all.
fn frames_of(speaker: &LocalSpeaker, windows: &[Window], features: &Features) -> Vec<usize> {
    let window = &windows[speaker.window];
    let hop = features.kind().hop();
    let end = window.start + WINDOW.min(window.active.len() * STEP + RECEPTIVE_FIELD);
    let inside = features.frames_between(window.start, end);
    let alone: Vec<usize> = inside.clone().filter(|index| window.is_alone(window.frame_at(index * hop), speaker.slot)).collect();
    if alone.len() as f32 * hop as f32 / SAMPLE_RATE as f32 >= ENOUGH_ALONE_SECONDS {
        return alone;
    }
    inside.filter(|index| window.is_active(window.frame_at(index * hop), speaker.slot)).collect()
}

/// For two local speakers of overlapping windows: +1 when they are active in the same frames of what both windows see, -1
/// when in different ones, less when that is under a second; none when the windows share nothing.
pub(super) fn vote(one: &LocalSpeaker, other: &LocalSpeaker, windows: &[Window]) -> Option<f32> {
    let (earlier, later) = if one.window <= other.window { (one, other) } else { (other, one) };
    if earlier.window == later.window {
        // One window does not give two names to one person, mostly: a soft ban, for a hard one breaks the count.
        return Some(-1.0);
    }
    let (first, second) = (&windows[earlier.window], &windows[later.window]);
    let offset = (second.start - first.start + STEP / 2) / STEP;
    let shared = first.active.len().saturating_sub(offset).min(second.active.len());
    let (mut both, mut any) = (0_u32, 0_u32);
    for (a, b) in first.active.iter().skip(offset).zip(&second.active[..shared]) {
        let (a, b) = (a >> earlier.slot & 1, b >> later.slot & 1);
        both += u32::from(a & b);
        any += u32::from(a | b);
    }
    (any > 0).then(|| (2.0 * both as f32 / any as f32 - 1.0) * (any as f32 * FRAME_SECONDS).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: usize, active: Vec<u8>) -> Window {
        let probability = active.iter().map(|bits| [0, 1, 2].map(|slot| if bits >> slot & 1 == 1 { 255 } else { 0 })).collect();
        Window { start, active, probability }
    }

    fn speaker(window: usize, slot: usize) -> LocalSpeaker {
        LocalSpeaker { window, slot, alone_seconds: 1.0, own_seconds: 1.0, vector: None }
    }

    #[test]
    fn common_activity_votes_for_and_separate_activity_against() {
        let windows =
            [window(0, [vec![0; 100], vec![1; 200]].concat()), window(100 * STEP, [vec![2; 200], vec![4; 100]].concat())];
        assert!(vote(&speaker(0, 0), &speaker(1, 1), &windows).unwrap() > 0.99);
        assert!(vote(&speaker(1, 1), &speaker(0, 0), &windows).unwrap() > 0.99);
        assert!(vote(&speaker(0, 0), &speaker(1, 2), &windows).unwrap() < -0.99);
        assert!(vote(&speaker(1, 1), &speaker(1, 2), &windows).unwrap() < -0.99);
        assert_eq!(vote(&speaker(0, 1), &speaker(0, 1), &[window(0, vec![1; 9]), window(0, vec![1; 9])]), Some(-1.0));
    }

    #[test]
    fn what_two_windows_see_counts_half_in_each() {
        let windows = [window(0, vec![1; 200]), window(0, vec![1; 200])];
        assert_eq!(coverage(&windows)[100], 2);
    }
}
