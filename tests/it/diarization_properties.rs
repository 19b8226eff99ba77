//! Invariances of diarization: the start of a recording, the length of its pauses, its level. And recordings with
//! next to no speech.

use super::support::der::{Turn, score, turns_of};
use super::support::diarizers::{Voice, with_segmentation, without_segmentation};
use super::support::sides::{decibels, diarize, noise, reference, scaled, sides};
use callannotate::diarize::{Diarize, SpeakerCount};

/// The samples of one second.
const SECOND: usize = 16_000;

/// The maximum difference from the turns of the original recording, in percent of the speech, with a collar of 0.25 s: about a
/// second, since the windows are shifted.
const SAME: f64 = 4.0;

fn turns(diarizer: &mut dyn Diarize, samples: Vec<f32>) -> Vec<Turn> {
    turns_of(&diarize(diarizer, &[samples], SpeakerCount::UNKNOWN).0)
}

/// The difference of two diarizations in percent.
fn difference(one: &[Turn], other: &[Turn]) -> f64 {
    let end = one.iter().chain(other).map(|turn| turn.end).fold(1.0, f64::max);
    score(one, other, (0.0, end), 0.25).rate()
}

/// Both diarizers, as far as their models are present.
fn diarizers() -> Vec<(&'static str, Box<dyn Diarize>)> {
    let mut all = vec![("voice activity", without_segmentation(Voice::BuiltIn).unwrap())];
    all.extend(with_segmentation(Voice::BuiltIn).map(|diarizer| ("segmentation", diarizer)));
    all
}

/// The first half of a call with two people on one channel.
fn call() -> Vec<f32> {
    let mut samples = sides("support-mono").remove(0);
    samples.truncate(40 * SECOND);
    samples
}

/// The middle of its longest pause.
fn pause() -> usize {
    let mut turns = reference("support-mono");
    turns.sort_by(|a, b| a.start.total_cmp(&b.start));
    turns.retain(|turn| turn.end < 38.0);
    let gaps = turns.windows(2).map(|pair| (pair[1].start - pair[0].end, pair[0].end + (pair[1].start - pair[0].end) / 2.0));
    let (_, middle) = gaps.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (middle * SECOND as f64) as usize
}

#[test]
fn a_later_beginning_a_longer_pause_and_another_level_change_nothing_but_times() {
    let (call, at) = (call(), pause());
    let mut wrong = Vec::new();
    for (name, mut diarizer) in diarizers() {
        let plain = turns(diarizer.as_mut(), call.clone());
        for seconds in [0.37, 3.0] {
            let silence = vec![0.0; (seconds * SECOND as f64) as usize];
            let moved: Vec<Turn> =
                plain.iter().map(|turn| Turn { start: turn.start + seconds, end: turn.end + seconds, ..*turn }).collect();
            let found = turns(diarizer.as_mut(), [silence, call.clone()].concat());
            wrong.push((format!("{name}: {seconds} s later"), difference(&moved, &found)));
        }
        let cut = at as f64 / SECOND as f64;
        let after = |seconds: f64| if seconds > cut { seconds + 5.0 } else { seconds };
        let split: Vec<Turn> =
            plain.iter().map(|turn| Turn { start: after(turn.start), end: after(turn.end), ..*turn }).collect();
        // The pause is filled with the line's own noise, not with digital silence.
        let longer = [&call[..at], &call[at - SECOND / 10..at].repeat(50), &call[at..]].concat();
        wrong.push((format!("{name}: a pause 5 s longer"), difference(&split, &turns(diarizer.as_mut(), longer))));
        for level in [-20.0, -10.0, 10.0] {
            let found = turns(diarizer.as_mut(), scaled(&call, decibels(level)));
            wrong.push((format!("{name}: {level} dB"), difference(&plain, &found)));
        }
    }
    wrong.retain(|(_, difference)| *difference > SAME);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn next_to_nothing_is_nobody_or_one() {
    let call = call();
    // A single word, such as "Hello".
    let begin = (reference("support-mono")[0].start * SECOND as f64) as usize;
    for (name, mut diarizer) in diarizers() {
        let mut count = |samples: Vec<f32>| diarize(diarizer.as_mut(), &[samples], SpeakerCount::UNKNOWN).0.speakers.len();
        assert_eq!(count(Vec::new()), 0, "{name}: nothing");
        assert_eq!(count(vec![0.0; SECOND / 10]), 0, "{name}: 0.1 s of silence");
        assert_eq!(count(call[begin..begin + SECOND / 10].to_vec()), 0, "{name}: 0.1 s of speech");
        assert_eq!(
            count([vec![0.0; SECOND], call[begin..begin + SECOND * 3 / 2].to_vec(), vec![0.0; SECOND]].concat()),
            1,
            "{name}: some words"
        );
        assert_eq!(count(scaled(&noise(10 * SECOND, 3), 0.02)), 0, "{name}: noise");
        // The segmentation model looks at silence, too; the voice activity costs next to nothing.
        let minutes = if name == "segmentation" { 4 } else { 30 };
        assert_eq!(count(vec![0.0; minutes * 60 * SECOND]), 0, "{name}: {minutes} minutes of silence");
    }
}
