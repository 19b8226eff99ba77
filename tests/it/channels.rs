//! Calls with two or more channels, derived from the sample calls with all kinds of recording faults: every speaker is found
//! once, on the right channel, at the right times.
//!
//! All with the built-in models only. The bounds are the error rates of the original calls, plus a margin for the
//! crosstalk.

use super::support::der::{Turn, mapping, score, turns_of};
use super::support::diarizers::{Voice, without_segmentation};
use super::support::sides::{decibels, delayed, diarize, reference, scaled, sides, sum};
use callannotate::diarize::{Diarization, Diarize, SpeakerCount};

/// A modified call, and the expected result.
struct Case {
    name: String,
    channels: Vec<Vec<f32>>,
    /// The channels of the file that carry the same sound; one list per signal.
    together: &'static [&'static [usize]],
    /// The channel of each reference speaker; none if channels are not separated.
    speakers: &'static [Option<u16>],
    /// The recordings whose references apply, one after the other.
    references: &'static [&'static str],
    /// The maximum DER with a collar of 0.25 s, in percent.
    most: f64,
}

const APART: &[&[usize]] = &[&[0], &[1]];
const ONE: &[&[usize]] = &[&[0, 1]];

fn case(
    name: &str,
    channels: Vec<Vec<f32>>,
    together: &'static [&'static [usize]],
    speakers: &'static [Option<u16>],
    references: &'static [&'static str],
    most: f64,
) -> Case {
    Case { name: name.to_owned(), channels, together, speakers, references, most }
}

/// Checks cases and returns what is wrong with them.
fn check(diarizer: &mut dyn Diarize, cases: Vec<Case>) {
    let wrong: Vec<String> = cases.into_iter().filter_map(|case| wrong_with(diarizer, &case)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[expect(clippy::print_stdout, reason = "the rates are for reading")]
fn wrong_with(diarizer: &mut dyn Diarize, case: &Case) -> Option<String> {
    let (found, together) = diarize(diarizer, &case.channels, SpeakerCount::UNKNOWN);
    let mut turns = Vec::new();
    for name in case.references {
        let before = turns.iter().map(|turn: &Turn| turn.speaker + 1).max().unwrap_or(0);
        turns.extend(reference(name).into_iter().map(|turn| Turn { speaker: turn.speaker + before, ..turn }));
    }
    let end = case.channels[0].len() as f64 / 16_000.0;
    let rate = score(&turns, &turns_of(&found), (0.0, end), 0.25).rate();
    println!("{}: {rate:.2} %", case.name);
    let who = mapping(&turns, &turns_of(&found));
    let mut placed: Vec<(usize, Option<u16>)> =
        who.iter().map(|(found_as, speaker)| (*speaker, found.speakers[*found_as].channel)).collect();
    placed.sort_unstable();
    let expected: Vec<(usize, Option<u16>)> = case.speakers.iter().copied().enumerate().collect();
    let mut wrong = Vec::new();
    if together != case.together {
        wrong.push(format!("the channels are taken as {together:?}"));
    }
    if found.speakers.len() != case.speakers.len() || placed != expected {
        wrong.push(format!("{} speakers, {placed:?} of {expected:?}", found.speakers.len()));
    }
    if rate > case.most {
        wrong.push(format!("{rate:.2} % of at most {:.2}", case.most));
    }
    (!wrong.is_empty()).then(|| format!("{}: {}", case.name, wrong.join(", ")))
}

fn diarizer() -> Box<dyn Diarize> {
    without_segmentation(Voice::BuiltIn).unwrap()
}

#[test]
fn the_sides_of_a_call_are_told_apart_whichever_is_which() {
    let mut cases = Vec::new();
    let [left, right]: [Vec<f32>; 2] = sides("billing-stereo").try_into().unwrap();
    for (name, channels, speakers) in [
        ("as it is", vec![left.clone(), right.clone()], &[Some(0), Some(1)]),
        ("swapped", vec![right.clone(), left.clone()], &[Some(1), Some(0)]),
        ("one side turned", vec![left.clone(), scaled(&right, -1.0)], &[Some(0), Some(1)]),
        ("one side 20 dB softer", vec![scaled(&left, 0.1), right], &[Some(0), Some(1)]),
    ] {
        cases.push(case(name, channels, APART, speakers, &["billing-stereo"], 3.0));
    }
    let [left, right]: [Vec<f32>; 2] = sides("support-ru-stereo").try_into().unwrap();
    cases.push(case("another, swapped", vec![right, left], APART, &[Some(1), Some(0)], &["support-ru-stereo"], 3.0));
    check(diarizer().as_mut(), cases);
}

#[test]
fn a_copy_is_one_signal_whatever_its_level_phase_and_delay() {
    let mono = sides("support-mono").remove(0);
    let mut cases = vec![case("mono", vec![mono.clone()], &[&[0]], &[None, None], &["support-mono"], 4.5)];
    for (name, copy) in [
        ("copied", mono.clone()),
        ("turned", scaled(&mono, -1.0)),
        ("softer", scaled(&mono, 0.3)),
        ("turned, softer and 40 ms late", scaled(&delayed(&mono, 40), -0.5)),
    ] {
        cases.push(case(name, vec![mono.clone(), copy], ONE, &[None, None], &["support-mono"], 4.5));
    }
    for late in [5, 20, 60, 150, 300] {
        let copy = scaled(&delayed(&mono, late), 0.99);
        cases.push(case(
            &format!("{late} ms late"),
            vec![mono.clone(), copy.clone()],
            ONE,
            &[None, None],
            &["support-mono"],
            5.0,
        ));
        if late == 60 {
            cases.push(case("60 ms early", vec![copy, mono.clone()], ONE, &[None, None], &["support-mono"], 4.5));
        }
    }
    let mut diarizer = diarizer();
    // Selecting a channel gives the same result as that channel alone.
    let alone = diarize(diarizer.as_mut(), std::slice::from_ref(&mono), SpeakerCount::UNKNOWN).0;
    let doubled = diarize(diarizer.as_mut(), &[mono.clone(), scaled(&delayed(&mono, 150), 0.99)], SpeakerCount::UNKNOWN).0;
    let spans = |found: &Diarization| found.turns.iter().map(|turn| (turn.span, turn.speaker)).collect::<Vec<_>>();
    assert_eq!(spans(&alone), spans(&doubled));
    check(diarizer.as_mut(), cases);
}

#[test]
fn what_one_side_leaks_into_the_other_is_nobody() {
    let [left, right]: [Vec<f32>; 2] = sides("billing-stereo").try_into().unwrap();
    let references: &'static [&'static str] = &["billing-stereo"];
    let mut cases = Vec::new();
    for level in [-6.0, -12.0, -20.0, -30.0] {
        let leak = decibels(level);
        let into_left = sum(&left, &scaled(&right, leak));
        let into_right = sum(&right, &scaled(&left, leak));
        let one_way = if level > -15.0 { vec![into_left.clone(), right.clone()] } else { vec![left.clone(), into_right.clone()] };
        for (way, channels) in [("both ways", vec![into_left, into_right]), ("one way", one_way)] {
            cases.push(case(&format!("{level} dB {way}"), channels, APART, &[Some(0), Some(1)], references, 3.0));
        }
        // An echo from the far end.
        let echoed = vec![sum(&left, &scaled(&delayed(&right, 180), leak)), right.clone()];
        cases.push(case(&format!("{level} dB after 180 ms"), echoed, APART, &[Some(0), Some(1)], references, 3.0));
    }
    let crossed = vec![sum(&left, &scaled(&delayed(&right, 40), 0.3)), sum(&right, &scaled(&delayed(&left, 25), -0.3))];
    cases.push(case("-10 dB after 40 and 25 ms", crossed, APART, &[Some(0), Some(1)], references, 3.0));
    check(diarizer().as_mut(), cases);
}

#[test]
fn a_silent_side_and_a_side_of_several_people_are_what_they_are() {
    let mono = sides("support-mono").remove(0);
    let silent = vec![0.0; mono.len()];
    let conference = sides("conference-mono").remove(0);
    let voicemail = sides("voicemail").remove(0);
    let mut grace = voicemail.clone();
    grace.resize(conference.len(), 0.0);
    let mut beside = voicemail;
    beside.resize(mono.len(), 0.0);
    let [left, _]: [Vec<f32>; 2] = sides("billing-stereo").try_into().unwrap();
    let mut carol = left;
    carol.resize(conference.len(), 0.0);
    let cases = vec![
        case("left only", vec![mono.clone(), silent.clone()], &[&[0]], &[None, None], &["support-mono"], 4.5),
        case("right only", vec![silent, mono.clone()], &[&[1]], &[None, None], &["support-mono"], 4.5),
        case("two and one", vec![mono, beside], APART, &[Some(0), Some(0), Some(1)], &["support-mono", "voicemail"], 6.0),
        case(
            "one and three",
            vec![grace, conference],
            APART,
            &[Some(0), Some(1), Some(1), Some(1)],
            &["voicemail", "conference-mono"],
            6.0,
        ),
    ];
    check(diarizer().as_mut(), cases);
}

#[test]
fn of_eight_channels_the_copies_go_together_and_the_dead_ones_go() {
    let [left, right]: [Vec<f32>; 2] = sides("billing-stereo").try_into().unwrap();
    let silent = vec![0.0; left.len()];
    let eight = vec![
        left.clone(),
        right.clone(),
        scaled(&left, -0.5),
        silent.clone(),
        delayed(&right, 20),
        silent,
        left.clone(),
        scaled(&right, 0.2),
    ];
    let cases = vec![case("eight", eight, &[&[0, 2, 6], &[1, 4, 7]], &[Some(0), Some(1)], &["billing-stereo"], 3.0)];
    check(diarizer().as_mut(), cases);
}
