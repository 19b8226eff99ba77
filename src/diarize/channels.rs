//! The channels of one recording, each diarized by itself, joined into one diarization.
//!
//! When channels differ nobody speaks on two of them: each has its own speakers, and no clustering goes across. What is heard
//! of the other side of a call, its echo in the line or the room, is not a speaker of this channel: while it is heard the other
//! channel is louder by far, always. A speech turn that stays so far below the other channel is taken out, and with it a
//! speaker who has no other turns.

use super::{Diarization, Diarize, DiarizeError, SpeakerCount, SpeakerIndex, SpeechTurn, checkpoint};
use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, BLOCK, SignalError};
use crate::context::JobContext;
use crate::jobs::stage::Stage;

/// How far below another channel a turn has to stay to be its echo: 15 dB, as a ratio of mean squares. The two ends of a call
/// differ by that much in level only when one of them is silent.
const ECHO: f64 = 0.032;
/// One person a channel is the rule. Another one is believed who speaks that long, and that share of the channel's speech.
const CLEARLY_THERE: Millis = Millis(5000);
const CLEAR_SHARE: f64 = 0.15;

/// Diarizes the signals of one recording. With more than one, each is a channel and has its own speakers; a given number of
/// speakers that equals the number of channels is then one a channel. What was found on a signal is kept, and taken from there
/// after a restart.
///
/// # Errors
/// When told to stop, or when a model fails.
pub fn diarize_channels(
    diarizer: &mut dyn Diarize,
    ctx: &JobContext,
    signals: &[(Option<u16>, &Audio)],
    count: SpeakerCount,
) -> Result<Diarization, DiarizeError> {
    let kept = |index, find: &mut dyn FnMut() -> Result<Diarization, DiarizeError>| {
        if let Some(found) = checkpoint::recall(ctx.checkpoints(), index) {
            return Ok(found);
        }
        find().inspect(|found| checkpoint::keep(ctx.checkpoints(), index, found))
    };
    if let [(channel, audio)] = signals {
        let mut found = kept(0, &mut || diarizer.diarize(ctx, audio, count))?;
        found.speakers.iter_mut().for_each(|speaker| speaker.channel = *channel);
        return Ok(found);
    }
    // What is known of all channels together says of one only that it has not more.
    let of_a_channel =
        if count.given() == Some(signals.len()) { SpeakerCount::exactly(1) } else { SpeakerCount { min: 1, max: count.max } };
    let mut parts = Vec::with_capacity(signals.len());
    for (index, (channel, audio)) in signals.iter().enumerate() {
        // Each channel is a part of the stage.
        let part = ctx.within(index, signals.len());
        let others: Vec<&Audio> =
            signals.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (_, audio))| *audio).collect();
        let mut found = kept(index, &mut || {
            let mut most = of_a_channel.max;
            loop {
                let found = diarizer.diarize(&part, audio, SpeakerCount { min: of_a_channel.min, max: most })?;
                let found = without_echoes(found, audio, &others)?;
                let believed = believed(&found).max(of_a_channel.min);
                if believed >= found.speakers.iter().filter(|speaker| speaker.speech > Millis::ZERO).count() {
                    return Ok(found);
                }
                // Fewer each time: who was not believed may have been two parts of one person.
                most = believed;
            }
        })?;
        part.report(Stage::Diarization, 100);
        found.speakers.iter_mut().for_each(|speaker| speaker.channel = *channel);
        parts.push(found);
    }
    ctx.report(Stage::Diarization, 100);
    Ok(join(&parts))
}

/// Takes out the turns that are another channel's; a speaker without others has no speech then.
fn without_echoes(mut found: Diarization, audio: &Audio, others: &[&Audio]) -> Result<Diarization, SignalError> {
    let mut own = Vec::with_capacity(found.turns.len());
    for turn in found.turns {
        if !is_echo(turn.span, audio, others)? {
            own.push(turn);
        }
    }
    for (index, speaker) in found.speakers.iter_mut().enumerate() {
        speaker.speech = Millis(own.iter().filter(|turn| turn.speaker.0 == index).map(|turn| turn.span.duration().0).sum());
    }
    found.turns = own;
    Ok(found)
}

/// How many of the speakers of one channel are clearly there; at least one.
fn believed(found: &Diarization) -> usize {
    let all: u64 = found.speakers.iter().map(|speaker| speaker.speech.0).sum();
    let clear = |speech: Millis| speech >= CLEARLY_THERE && speech.0 as f64 >= CLEAR_SHARE * all as f64;
    found.speakers.iter().filter(|speaker| clear(speaker.speech)).count().max(1)
}

/// Whether a stretch of one channel is only what another one leaks into it.
fn is_echo(span: TimeSpan, audio: &Audio, others: &[&Audio]) -> Result<bool, SignalError> {
    let here = energy(audio, span)?;
    for other in others {
        if here < ECHO * energy(other, span)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn energy(audio: &Audio, span: TimeSpan) -> Result<f64, SignalError> {
    let mut energy = 0.0;
    for block in audio.blocks(span.start().to_sample()..span.end().to_sample(), BLOCK) {
        energy = block?.iter().fold(energy, |sum, sample| sum + f64::from(*sample).powi(2));
    }
    Ok(energy)
}

/// Numbers the speakers of all channels by their first turns; who has no turn is gone.
fn join(parts: &[Diarization]) -> Diarization {
    let mut turns: Vec<((usize, SpeakerIndex), SpeechTurn)> = parts
        .iter()
        .enumerate()
        .flat_map(|(part, found)| found.turns.iter().map(move |turn| ((part, turn.speaker), turn.clone())))
        .collect();
    turns.sort_by_key(|(speaker, turn)| (turn.span, *speaker));
    let mut order: Vec<(usize, SpeakerIndex)> = Vec::new();
    let turns = turns
        .into_iter()
        .map(|(speaker, turn)| {
            let index = order.iter().position(|known| *known == speaker).unwrap_or_else(|| {
                order.push(speaker);
                order.len() - 1
            });
            SpeechTurn { speaker: SpeakerIndex(index), ..turn }
        })
        .collect::<Vec<_>>();
    let speakers = order
        .iter()
        .enumerate()
        .filter_map(|(index, (part, speaker))| {
            let mut found = parts.get(*part)?.speakers.get(speaker.0)?.clone();
            let spoken = turns.iter().filter(|turn| turn.speaker.0 == index).map(|turn| turn.span.duration().0).sum();
            found.speech = Millis(spoken);
            Some(found)
        })
        .collect();
    Diarization { speakers, turns }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diarize::{Certainty, DiarizedSpeaker};
    use crate::models::ModelInfo;

    /// Finds one speaker from the first to the last sample that is not silent.
    struct Loud;

    impl Diarize for Loud {
        fn diarize(&mut self, _: &JobContext, audio: &Audio, _: SpeakerCount) -> Result<Diarization, DiarizeError> {
            let heard = |sample: &f32| sample.abs() > 1e-6;
            let samples = audio.read(0..audio.len())?;
            let first = samples.iter().position(heard).unwrap_or(0);
            let last = samples.iter().rposition(heard).unwrap_or(0);
            let span = TimeSpan::new(Millis::from_sample(first), Millis::from_sample(last + 1));
            let turns: Vec<_> = span
                .map(|span| SpeechTurn { span, speaker: SpeakerIndex(0), confidence: 1.0, certainty: Certainty::default() })
                .into_iter()
                .collect();
            let speaker = DiarizedSpeaker { channel: None, speech: Millis::ZERO, voiceprint: None };
            Ok(Diarization { speakers: turns.iter().map(|_| speaker.clone()).collect(), turns })
        }

        fn models(&self) -> Vec<ModelInfo> {
            Vec::new()
        }
    }

    fn signal(level: f32, from: usize, to: usize) -> Audio {
        Audio::new((0..32_000).map(|index| if (from..to).contains(&index) { level } else { 0.0 }).collect())
    }

    fn channels(left: &Audio, right: &Audio) -> Vec<(Option<u16>, u64)> {
        let signals = [(Some(0), left), (Some(1), right)];
        let found = diarize_channels(&mut Loud, &JobContext::detached(), &signals, SpeakerCount::UNKNOWN).unwrap();
        found.turns.iter().map(|turn| (found.speakers[turn.speaker.0].channel, turn.span.start().0)).collect()
    }

    #[test]
    fn speakers_are_numbered_by_their_first_turn_across_channels() {
        let (left, right) = (signal(0.1, 16_000, 20_000), signal(0.1, 0, 8_000));
        assert_eq!(channels(&left, &right), [(Some(1), 0), (Some(0), 1000)]);
    }

    #[test]
    fn what_leaks_from_the_other_side_is_no_speaker() {
        let (left, right) = (signal(0.1, 0, 8_000), signal(0.001, 0, 8_000));
        assert_eq!(channels(&left, &right), [(Some(0), 0)]);
    }

    #[test]
    fn both_sides_at_once_stay_both() {
        let (left, right) = (signal(0.1, 0, 8_000), signal(0.05, 0, 8_000));
        assert_eq!(channels(&left, &right), [(Some(0), 0), (Some(1), 0)]);
    }
}
