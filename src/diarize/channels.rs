//! Diarizes the channels of a recording separately and combines the results.
//!
//! When channels differ, no speaker is on two of them: each channel has its own speakers, and clustering never crosses
//! channels. The other side of the call can be audible as an echo from the line or the room; the other channel is then
//! always much louder. Turns that stay far below another channel are removed, and so are speakers without other turns.

use super::{Diarization, Diarize, DiarizeError, SpeakerCount, SpeakerIndex, SpeechTurn, checkpoint};
use crate::audio::time::{Millis, TimeSpan};
use crate::audio::{Audio, BLOCK, SignalError};
use crate::context::JobContext;
use crate::jobs::stage::Stage;

/// A turn this far below another channel is an echo: 15 dB, as a ratio of mean squares. The two ends of a call differ
/// that much only when one of them is silent.
const ECHO_RATIO: f64 = 0.032;
/// One speaker per channel is the rule. Another one must speak at least this long and have at least this share of the
/// channel's speech.
const MIN_SECOND_SPEAKER: Millis = Millis(5000);
const MIN_SECOND_SPEAKER_SHARE: f64 = 0.15;

/// Diarizes the signals of one recording. Several signals are channels, each with its own speakers; if the given number
/// of speakers equals the number of channels, each channel has one. The result of each signal is checkpointed and
/// reused after a restart.
///
/// # Errors
/// When the job is stopped, or a signal or model fails.
pub fn diarize_channels(
    diarizer: &mut dyn Diarize,
    ctx: &JobContext,
    signals: &[(Option<u16>, &Audio)],
    count: SpeakerCount,
) -> Result<Diarization, DiarizeError> {
    let remembered = |index, find: &mut dyn FnMut() -> Result<Diarization, DiarizeError>| {
        if let Some(found) = checkpoint::recall(ctx.checkpoints(), index) {
            return Ok(found);
        }
        find().inspect(|found| checkpoint::keep(ctx.checkpoints(), index, found))
    };
    if let [(channel, audio)] = signals {
        let mut found = remembered(0, &mut || diarizer.diarize(ctx, audio, count))?;
        found.speakers.iter_mut().for_each(|speaker| speaker.channel = *channel);
        return Ok(found);
    }
    // A count for the whole recording is only an upper bound for one channel.
    let of_a_channel =
        if count.given() == Some(signals.len()) { SpeakerCount::exactly(1) } else { SpeakerCount { min: 1, max: count.max } };
    let mut parts = Vec::with_capacity(signals.len());
    for (index, (channel, audio)) in signals.iter().enumerate() {
        // Each channel advances the stage by its share.
        let part = ctx.within(index, signals.len());
        let others: Vec<&Audio> =
            signals.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (_, audio))| *audio).collect();
        let mut found = remembered(index, &mut || {
            let mut most = of_a_channel.max;
            loop {
                let found = diarizer.diarize(&part, audio, SpeakerCount { min: of_a_channel.min, max: most })?;
                let found = without_echoes(found, audio, &others)?;
                let present = clear_speakers(&found).max(of_a_channel.min);
                if present >= found.speakers.iter().filter(|speaker| speaker.speech > Millis::ZERO).count() {
                    return Ok(found);
                }
                // Retry with fewer speakers: a dismissed one may have been part of another.
                most = present;
            }
        })?;
        part.report(Stage::Diarization, 100);
        found.speakers.iter_mut().for_each(|speaker| speaker.channel = *channel);
        parts.push(found);
    }
    ctx.report(Stage::Diarization, 100);
    Ok(join(&parts))
}

/// Removes turns that are echoes of another channel and recomputes each speaker's speech.
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

/// Number of speakers with a clear share of the channel's speech; at least 1.
fn clear_speakers(found: &Diarization) -> usize {
    let all: u64 = found.speakers.iter().map(|speaker| speaker.speech.0).sum();
    let clear = |speech: Millis| speech >= MIN_SECOND_SPEAKER && speech.0 as f64 >= MIN_SECOND_SPEAKER_SHARE * all as f64;
    found.speakers.iter().filter(|speaker| clear(speaker.speech)).count().max(1)
}

/// True if a span is only leakage from another channel.
fn is_echo(span: TimeSpan, audio: &Audio, others: &[&Audio]) -> Result<bool, SignalError> {
    let here = energy(audio, span)?;
    for other in others {
        if here < ECHO_RATIO * energy(other, span)? {
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

/// Combines channels, numbering speakers by their first turn; speakers without turns are dropped.
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
    use crate::capabilities::ModelInfo;
    use crate::diarize::{DiarizedSpeaker, TurnProbability};

    /// Finds one speaker from the first to the last non-zero sample.
    struct Loud;

    impl Diarize for Loud {
        fn diarize(&mut self, _: &JobContext, audio: &Audio, _: SpeakerCount) -> Result<Diarization, DiarizeError> {
            let is_loud = |sample: &f32| sample.abs() > 1e-6;
            let samples = audio.read(0..audio.len())?;
            let first = samples.iter().position(is_loud).unwrap_or(0);
            let last = samples.iter().rposition(is_loud).unwrap_or(0);
            let span = TimeSpan::new(Millis::from_sample(first), Millis::from_sample(last + 1));
            let turns: Vec<_> = span
                .map(|span| SpeechTurn {
                    span,
                    speaker: SpeakerIndex(0),
                    confidence: 1.0,
                    probability: TurnProbability::default(),
                })
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
    fn leakage_from_the_other_side_is_not_a_speaker() {
        let (left, right) = (signal(0.1, 0, 8_000), signal(0.001, 0, 8_000));
        assert_eq!(channels(&left, &right), [(Some(0), 0)]);
    }

    #[test]
    fn both_sides_at_once_stay_both() {
        let (left, right) = (signal(0.1, 0, 8_000), signal(0.05, 0, 8_000));
        assert_eq!(channels(&left, &right), [(Some(0), 0), (Some(1), 0)]);
    }
}
