//! Serializes the diarization of one signal for a checkpoint and reads it back.
//!
//! Floating-point numbers are stored as their bits, so that a restored result is identical. Every value read from the
//! file is validated.

use serde::{Deserialize, Serialize};

use super::{Diarization, DiarizedSpeaker, SpeakerIndex, SpeechTurn, TurnProbability};
use crate::audio::time::{Millis, TimeSpan};
use crate::checkpoints::Checkpoints;
use crate::voiceprint::Voiceprint;

#[derive(Serialize, Deserialize)]
struct DiarizationRecord {
    speakers: Vec<SpeakerRecord>,
    turns: Vec<TurnRecord>,
}

#[derive(Serialize, Deserialize)]
struct SpeakerRecord {
    channel: Option<u16>,
    speech_ms: u32,
    voiceprint: Option<VoiceprintRecord>,
}

#[derive(Serialize, Deserialize)]
struct VoiceprintRecord {
    model: String,
    bits: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct TurnRecord {
    speaker: usize,
    from_ms: u32,
    to_ms: u32,
    confidence_bits: u32,
    certainty: Vec<u8>,
}

/// Restores the result for a signal; `None` if there is no valid one.
pub(super) fn recall(checkpoints: &Checkpoints, signal: usize) -> Option<Diarization> {
    checkpoints.recall(&name(signal), diarization)
}

/// Stores the result for a signal.
pub(super) fn keep(checkpoints: &Checkpoints, signal: usize, found: &Diarization) {
    if let Some(record) = record(found) {
        checkpoints.keep(&name(signal), &record);
    }
}

fn name(signal: usize) -> String {
    format!("diarization/{signal}")
}

/// `None` if a time does not fit into 32 bits of milliseconds.
fn record(found: &Diarization) -> Option<DiarizationRecord> {
    let milliseconds = |time: Millis| u32::try_from(time.0).ok();
    let speaker = |speaker: &DiarizedSpeaker| {
        let voiceprint = speaker.voiceprint.as_ref().map(|print| VoiceprintRecord {
            model: print.model.clone(),
            bits: print.vector.iter().map(|value| value.to_bits()).collect(),
        });
        Some(SpeakerRecord { channel: speaker.channel, speech_ms: milliseconds(speaker.speech)?, voiceprint })
    };
    let turn = |turn: &SpeechTurn| {
        Some(TurnRecord {
            speaker: turn.speaker.0,
            from_ms: milliseconds(turn.span.start())?,
            to_ms: milliseconds(turn.span.end())?,
            confidence_bits: turn.confidence.to_bits(),
            certainty: turn.probability.values().to_vec(),
        })
    };
    Some(DiarizationRecord {
        speakers: found.speakers.iter().map(speaker).collect::<Option<_>>()?,
        turns: found.turns.iter().map(turn).collect::<Option<_>>()?,
    })
}

fn diarization(record: DiarizationRecord) -> Option<Diarization> {
    let number = |bits| Some(f32::from_bits(bits)).filter(|number| number.is_finite());
    let count = record.speakers.len();
    let voiceprint = |print: VoiceprintRecord| {
        Some(Voiceprint { model: print.model, vector: print.bits.into_iter().map(number).collect::<Option<_>>()? })
    };
    let speaker = |speaker: SpeakerRecord| {
        let voiceprint = match speaker.voiceprint {
            Some(print) => Some(voiceprint(print)?),
            None => None,
        };
        Some(DiarizedSpeaker { channel: speaker.channel, speech: Millis(u64::from(speaker.speech_ms)), voiceprint })
    };
    let turn = |turn: TurnRecord| {
        let span = TimeSpan::new(Millis(u64::from(turn.from_ms)), Millis(u64::from(turn.to_ms)))?;
        Some(SpeechTurn {
            span,
            speaker: SpeakerIndex(Some(turn.speaker).filter(|speaker| *speaker < count)?),
            confidence: number(turn.confidence_bits)?,
            probability: TurnProbability::from_values(span, turn.certainty)?,
        })
    };
    Some(Diarization {
        speakers: record.speakers.into_iter().map(speaker).collect::<Option<_>>()?,
        turns: record.turns.into_iter().map(turn).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Diarization {
        let span = TimeSpan::new(Millis(100), Millis(2500)).unwrap();
        let voiceprint = Some(Voiceprint { model: "m".to_owned(), vector: vec![0.1, -1.0 / 3.0, f32::MIN_POSITIVE] });
        Diarization {
            speakers: vec![
                DiarizedSpeaker { channel: Some(1), speech: Millis(2400), voiceprint },
                DiarizedSpeaker { channel: None, speech: Millis::ZERO, voiceprint: None },
            ],
            turns: vec![SpeechTurn {
                span,
                speaker: SpeakerIndex(1),
                confidence: 0.7,
                probability: TurnProbability::of(span, |part| part.start().as_seconds() as f32 / 3.0),
            }],
        }
    }

    #[test]
    fn a_restored_diarization_is_identical() {
        let json = serde_json::to_string(&record(&found()).unwrap()).unwrap();
        assert_eq!(diarization(serde_json::from_str(&json).unwrap()), Some(found()));
    }

    #[test]
    fn invalid_values_are_rejected() {
        let spoilt: [fn(&mut DiarizationRecord); 4] = [
            |record| record.turns[0].speaker = 2,
            |record| record.turns[0].to_ms = 100,
            |record| record.turns[0].confidence_bits = f32::NAN.to_bits(),
            |record| record.speakers[0].voiceprint.as_mut().unwrap().bits[0] = f32::INFINITY.to_bits(),
        ];
        for spoil in spoilt {
            let mut record = record(&found()).unwrap();
            spoil(&mut record);
            assert_eq!(diarization(record), None);
        }
    }
}
