//! Two people in one turn: where one follows the other after a breath, the segmentation model may take them for one person.
//!
//! A turn is divided at a pause when the voice on one side of it is clearly another speaker's, and on the other side its own.

use super::{Diarization, DiarizeError, DiarizedSpeaker, SpeakerIndex, SpeechTurn};
use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, SAMPLE_RATE, SignalError};
use crate::context::JobContext;
use crate::voiceprint::{Effort, Features, VoiceprintModel, dot};

/// A side must be so long: shorter speech has no reliable voice.
const SIDE: Millis = Millis(1500);
/// How much nearer the other speaker's voice must be; cosine.
const MARGIN: f32 = 0.15;
/// A pause is at least so many steps of 10 ms below this share of the turn's louder moments (30 dB).
const STEP: usize = SAMPLE_RATE as usize / 100;
const PAUSE: usize = 12;
const QUIET: f32 = 1e-3;
/// More pauses than this are not tried, the longest first.
const MOST_PAUSES: usize = 8;
/// Samples that are read at once: whole steps, 4 s.
const BLOCK: usize = 400 * STEP;

/// Divides the turns in which two people speak one after the other.
pub(super) fn divide(
    ctx: &JobContext,
    diarization: &mut Diarization,
    audio: &Audio,
    features: &Features,
    model: &mut VoiceprintModel,
) -> Result<(), DiarizeError> {
    let voices: Vec<Option<Vec<f32>>> =
        diarization.speakers.iter().map(|speaker| speaker.voiceprint.as_ref().map(|voice| voice.vector.clone())).collect();
    if voices.len() < 2 {
        return Ok(());
    }
    let mut followers = Vec::new();
    for turn in diarization.turns.iter_mut().filter(|turn| turn.span.duration().0 >= 2 * SIDE.0) {
        ctx.check()?;
        let pauses = pauses(audio, turn.span)?;
        let sides: Vec<TimeSpan> = pauses
            .iter()
            .flat_map(|pause| [TimeSpan::new(turn.span.start(), *pause), TimeSpan::new(*pause, turn.span.end())])
            .flatten()
            .collect();
        let frames: Vec<Vec<usize>> = sides
            .iter()
            .map(|side| features.frames_between(side.start().to_sample(), side.end().to_sample()).collect())
            .collect();
        let vectors =
            model.embed_many(features, &frames, Effort::Quick).map_err(|error| DiarizeError::Model(error.to_string()))?;
        let own = turn.speaker.0;
        // How much nearer than its own the nearest other voice is, and whose it is.
        let other = |vector: &Option<Vec<f32>>| -> Option<(f32, usize)> {
            let (vector, own_voice) = (vector.as_ref()?, voices[own].as_ref()?);
            let near = |voice: &[f32]| dot(voice, vector);
            let others = voices.iter().enumerate().filter(|(index, _)| *index != own);
            let nearest = others.filter_map(|(index, voice)| Some((near(voice.as_ref()?), index)));
            nearest.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(value, index)| (value - near(own_voice), index))
        };
        let divided = sides.chunks_exact(2).zip(vectors.chunks_exact(2)).filter_map(|(sides, vectors)| {
            let (head, tail) = (other(&vectors[0])?, other(&vectors[1])?);
            let first_is_other = head.0 > tail.0;
            let (foreign, familiar) = if first_is_other { (head, tail) } else { (tail, head) };
            let clear = foreign.0 > MARGIN && familiar.0 < 0.0;
            clear.then_some((foreign.0 - familiar.0, first_is_other, foreign.1, sides[0], sides[1]))
        });
        if let Some((_, first_is_other, speaker, head, tail)) = divided.max_by(|a, b| a.0.total_cmp(&b.0)) {
            let mut follower = *turn;
            follower.speaker = SpeakerIndex(speaker);
            (turn.span, follower.span) = if first_is_other { (tail, head) } else { (head, tail) };
            followers.push(follower);
        }
    }
    if !followers.is_empty() {
        diarization.turns.extend(followers);
        tidy(diarization);
    }
    Ok(())
}

/// Turns in order and one speaker's apart, speakers in order of their first turn with the time they speak.
fn tidy(diarization: &mut Diarization) {
    let mut turns = std::mem::take(&mut diarization.turns);
    turns.sort_by_key(|turn| (turn.span, turn.speaker.0));
    let mut order: Vec<usize> = Vec::new();
    let mut joined: Vec<SpeechTurn> = Vec::with_capacity(turns.len());
    for turn in turns {
        if !order.contains(&turn.speaker.0) {
            order.push(turn.speaker.0);
        }
        match joined.iter_mut().rev().find(|earlier| earlier.speaker == turn.speaker) {
            Some(earlier) if turn.span.start() <= earlier.span.end() => {
                let end = earlier.span.end().max(turn.span.end());
                earlier.span = TimeSpan::new(earlier.span.start(), end).unwrap_or(earlier.span);
            }
            _ => joined.push(turn),
        }
    }
    let speakers = std::mem::take(&mut diarization.speakers);
    for speaker in &order {
        let mut speech = Millis::ZERO;
        for turn in joined.iter().filter(|turn| turn.speaker.0 == *speaker) {
            speech = speech + turn.span.duration();
        }
        diarization.speakers.push(DiarizedSpeaker { speech, ..speakers[*speaker].clone() });
    }
    for turn in &mut joined {
        let new = order.iter().position(|speaker| *speaker == turn.speaker.0);
        turn.speaker = SpeakerIndex(new.unwrap_or(turn.speaker.0));
    }
    diarization.turns = joined;
}

/// The middles of the pauses that leave enough on both sides, the longest first.
fn pauses(audio: &Audio, span: TimeSpan) -> Result<Vec<Millis>, SignalError> {
    let (from, to) = (span.start().to_sample(), span.end().to_sample());
    let mut levels: Vec<f32> = Vec::new();
    for block in audio.blocks(from..to, BLOCK) {
        levels.extend(block?.chunks(STEP).map(|step| step.iter().map(|sample| sample * sample).sum::<f32>()));
    }
    let mut sorted = levels.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let quiet = sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(0.0) * QUIET;
    let mut found: Vec<(usize, Millis)> = Vec::new();
    let mut at = 0;
    for group in levels.chunk_by(|a, b| (*a < quiet) == (*b < quiet)) {
        let middle = Millis::from_sample(from + (at + group.len() / 2) * STEP);
        let enough = middle.saturating_sub(span.start()) >= SIDE && span.end().saturating_sub(middle) >= SIDE;
        if group[0] < quiet && group.len() >= PAUSE && enough {
            found.push((group.len(), middle));
        }
        at += group.len();
    }
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    Ok(found.into_iter().take(MOST_PAUSES).map(|(_, middle)| middle).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_division_speakers_are_counted_as_they_speak_and_their_turns_are_apart() {
        let turn = |start, end, speaker| SpeechTurn {
            span: TimeSpan::new(Millis(start), Millis(end)).unwrap(),
            speaker: SpeakerIndex(speaker),
            confidence: 1.0,
        };
        let speaker = DiarizedSpeaker { channel: None, speech: Millis::ZERO, voiceprint: None };
        let turns = vec![turn(2000, 4000, 0), turn(0, 2000, 1), turn(1500, 2500, 1)];
        let mut diarization = Diarization { speakers: vec![speaker.clone(), speaker], turns };
        tidy(&mut diarization);
        let found: Vec<_> =
            diarization.turns.iter().map(|turn| (turn.span.start().0, turn.span.end().0, turn.speaker.0)).collect();
        assert_eq!(found, [(0, 2500, 0), (2000, 4000, 1)]);
        assert_eq!(diarization.speakers.iter().map(|speaker| speaker.speech.0).collect::<Vec<_>>(), [2500, 2000]);
    }

    #[test]
    fn pauses_with_speech_on_both_sides_are_found_the_longest_first() {
        let second = SAMPLE_RATE as usize;
        let mut samples = vec![0.2; 10 * second];
        for (from, to) in [(0.5, 0.9), (3.0, 3.2), (6.0, 6.4), (7.0, 7.05)] {
            samples[(from * second as f32) as usize..(to * second as f32) as usize].fill(0.0);
        }
        let span = TimeSpan::new(Millis(0), Millis(10_000)).unwrap();
        assert_eq!(pauses(&Audio::new(samples), span).unwrap(), [Millis(6200), Millis(3100)]);
    }
}
