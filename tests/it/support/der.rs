//! Diarization error rate: missed speech, false alarms, and speaker confusion.
//!
//! Computed in frames of 10 ms with the optimal matching of speakers; overlapping speech counts for each
//! speaker. A collar excludes that much on both sides of every reference boundary. Agrees with
//! `pyannote.metrics` to the frame.

use std::collections::BTreeMap;
use std::path::Path;

use callannotate::diarize::Diarization;

/// The length of a frame in seconds.
const FRAME: f64 = 0.01;

/// A speaker turn; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    pub speaker: usize,
    pub start: f64,
    pub end: f64,
}

/// The components of the error rate, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Errors {
    pub speech: f64,
    pub missed: f64,
    pub invented: f64,
    pub confused: f64,
}

impl Errors {
    /// The diarization error rate in percent.
    pub fn rate(self) -> f64 {
        100.0 * (self.missed + self.invented + self.confused) / self.speech.max(FRAME)
    }
}

impl std::ops::AddAssign for Errors {
    fn add_assign(&mut self, other: Self) {
        self.speech += other.speech;
        self.missed += other.missed;
        self.invented += other.invented;
        self.confused += other.confused;
    }
}

/// The turns of an RTTM file, and its speakers' names.
pub fn read_rttm(path: &Path) -> (Vec<Turn>, Vec<String>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut names: Vec<String> = Vec::new();
    let mut turns = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.first() != Some(&"SPEAKER") {
            continue;
        }
        let speaker = names.iter().position(|name| name == fields[7]).unwrap_or_else(|| {
            names.push(fields[7].to_owned());
            names.len() - 1
        });
        let start: f64 = fields[3].parse().unwrap();
        turns.push(Turn { speaker, start, end: start + fields[4].parse::<f64>().unwrap() });
    }
    (turns, names)
}

/// The scored region of a recording, from a one-line UEM file.
pub fn read_uem(path: &Path) -> Option<(f64, f64)> {
    let text = std::fs::read_to_string(path).ok()?;
    let fields: Vec<&str> = text.lines().find(|line| !line.starts_with(';'))?.split_whitespace().collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// The turns of a diarization.
pub fn turns_of(found: &Diarization) -> Vec<Turn> {
    let turn = |turn: &callannotate::diarize::SpeechTurn| Turn {
        speaker: turn.speaker.0,
        start: turn.span.start().as_seconds(),
        end: turn.span.end().as_seconds(),
    };
    found.turns.iter().map(turn).collect()
}

/// For each speaker of `found`, the matched speaker of the reference.
pub fn mapping(reference: &[Turn], found: &[Turn]) -> BTreeMap<usize, usize> {
    let end = reference.iter().chain(found).map(|turn| turn.end).fold(0.0, f64::max);
    best_mapping(&frames(reference, (0.0, end)), &frames(found, (0.0, end)))
}

/// Scores `found` against the reference inside `region`.
pub fn score(reference: &[Turn], found: &[Turn], region: (f64, f64), collar: f64) -> Errors {
    let (mut right, mut answer) = (frames(reference, region), frames(found, region));
    for turn in reference {
        for boundary in [turn.start, turn.end] {
            let place = |seconds: f64| (((seconds - region.0) / FRAME).round().max(0.0) as usize).min(right.len());
            for frame in place(boundary - collar)..place(boundary + collar) {
                right[frame] = 0;
                answer[frame] = 0;
            }
        }
    }
    let mapping = best_mapping(&right, &answer);
    let mut errors = Errors::default();
    for (right, answer) in right.iter().zip(&answer) {
        let (wanted, given) = (right.count_ones(), answer.count_ones());
        let agreed =
            mapping.iter().filter(|(found, reference)| answer >> **found & 1 == 1 && right >> **reference & 1 == 1).count();
        errors.speech += f64::from(wanted) * FRAME;
        errors.missed += f64::from(wanted.saturating_sub(given)) * FRAME;
        errors.invented += f64::from(given.saturating_sub(wanted)) * FRAME;
        errors.confused += (f64::from(wanted.min(given)) - agreed as f64) * FRAME;
    }
    errors
}

/// The speakers of each frame as a bit set.
fn frames(turns: &[Turn], region: (f64, f64)) -> Vec<u32> {
    let mut frames = vec![0; ((region.1 - region.0) / FRAME).round() as usize];
    let place = |seconds: f64| (((seconds - region.0) / FRAME).round().max(0.0) as usize).min(frames.len());
    let places: Vec<_> = turns.iter().map(|turn| (turn.speaker, place(turn.start)..place(turn.end))).collect();
    for (speaker, places) in places {
        for frame in places {
            frames[frame] |= 1 << speaker;
        }
    }
    frames
}

/// The maximum agreement of the first speakers of `together` with the unmatched speakers, and that matching.
fn search(together: &[Vec<u32>], taken: u32) -> (u32, BTreeMap<usize, usize>) {
    let Some((row, rest)) = together.split_last() else { return (0, BTreeMap::new()) };
    let mut best = search(rest, taken);
    for (reference, count) in row.iter().enumerate().filter(|(reference, _)| taken >> reference & 1 == 0) {
        let (sum, mut mapping) = search(rest, taken | 1 << reference);
        if sum + count > best.0 {
            mapping.insert(rest.len(), reference);
            best = (sum + count, mapping);
        }
    }
    best
}

fn best_mapping(right: &[u32], answer: &[u32]) -> BTreeMap<usize, usize> {
    let speakers = |frames: &[u32]| (32 - frames.iter().fold(0, |all, frame| all | frame).leading_zeros()) as usize;
    let mut together = vec![vec![0_u32; speakers(right)]; speakers(answer)];
    for (right, answer) in right.iter().zip(answer) {
        for (found, row) in together.iter_mut().enumerate() {
            for (reference, count) in row.iter_mut().enumerate() {
                *count += answer >> found & right >> reference & 1;
            }
        }
    }
    search(&together, 0).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(speaker: usize, start: f64, end: f64) -> Turn {
        Turn { speaker, start, end }
    }

    /// The expected values were computed by `pyannote.metrics`.
    #[test]
    fn errors_are_those_of_pyannote() {
        let reference = [turn(0, 0.5, 4.0), turn(1, 3.5, 7.0), turn(0, 8.0, 10.0)];
        let found = [turn(0, 0.0, 3.6), turn(1, 3.6, 7.5), turn(1, 8.0, 9.0), turn(2, 9.2, 10.5)];
        check(score(&reference, &found, (0.0, 12.0), 0.0), [9.0, 0.7, 1.5, 1.8]);
        check(score(&reference, &found, (0.0, 12.0), 0.25), [6.5, 0.2, 0.75, 1.3]);
        assert_eq!(mapping(&reference, &found), BTreeMap::from([(0, 0), (1, 1)]));
    }

    fn check(found: Errors, expected: [f64; 4]) {
        let found = [found.speech, found.missed, found.invented, found.confused];
        assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 0.011), "{found:?}");
    }
}
