//! Combines the findings of the stages into the published result. Pure: no clock, no log, no files, no models; total functions.

mod published;
mod segments;
mod statistics;
mod words;

use crate::audio::time::{Millis, TimeSpan, merge};
use crate::diarize::{Diarization, DiarizedSpeaker, SpeakerIndex, SpeechTurn, TurnProbability};
use crate::document::{Document, FormatVersion, Metadata, Speaker, StageReport, Transcription, Turn};
use crate::jobs::stage::Stage;
use crate::media::SourceInfo;
use crate::recognize::Identity;
use crate::transcribe::Transcript;

/// The findings of all stages for one recording.
pub struct Findings<'a> {
    /// The recording as it was decoded.
    pub source: &'a SourceInfo,
    pub size_bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'a str,
    pub diarization: &'a Diarization,
    /// A transcript for each signal, with its channel when channels are processed separately; none without transcription.
    pub transcripts: Option<&'a [(Option<u16>, Transcript)]>,
    /// An identity for each speaker, in the same order; empty without recognition.
    pub identities: &'a [Identity],
    /// Whether an address book was searched.
    pub contacts_searched: bool,
    /// A role for each channel, from the job's options; empty texts are no roles.
    pub channel_roles: &'a [String],
    /// Whether the result lists each word.
    pub publish_words: bool,
    /// How the stages went, in pipeline order.
    pub reports: Vec<(Stage, StageReport)>,
    /// Sentences for the result's `warnings`.
    pub warnings: Vec<String>,
}

/// Builds the published result.
pub fn annotate(findings: Findings<'_>) -> Document {
    let diarization = findings.diarization;
    let spoken = words::assign(diarization, findings.transcripts.unwrap_or_default(), findings.source.duration);
    let labels: Vec<String> = (0..diarization.speakers.len()).map(|index| label(&findings, index)).collect();
    let language = words::language(findings.transcripts.unwrap_or_default());
    let segments = if findings.transcripts.is_some() {
        segments::from_words(&spoken, diarization)
    } else {
        segments::from_turns(diarization)
    };
    let statistics = statistics::count(diarization, &segments, findings.source.duration);
    let confidence = published::mean(segments.iter().flat_map(|segment| segment.words.iter().map(|word| word.word.confidence)));
    let transcription = findings.transcripts.map(|_| Transcription {
        full_text: segments
            .iter()
            .filter(|segment| !segment.words.is_empty())
            .map(|segment| format!("[{}]: {}", labels[segment.speaker.0], segment.text()))
            .collect::<Vec<_>>()
            .join("\n"),
        language: language.as_ref().map(|language| language.code.clone()),
        confidence,
    });
    let segments: Vec<_> = segments
        .iter()
        .enumerate()
        .map(|(index, segment)| published::segment(index + 1, segment, language.as_ref(), findings.publish_words))
        .collect();
    let speakers = diarization
        .speakers
        .iter()
        .enumerate()
        .map(|(index, speaker)| {
            let id = published::speaker_id(index);
            let unknown = Identity::default();
            let identity = findings.identities.get(index).unwrap_or(&unknown);
            Speaker {
                identified_as: identity.name.clone().unwrap_or_else(|| "unknown".to_owned()),
                confidence: published::ratio(identity.confidence),
                voice_embedding_source: identity.source.clone(),
                carddav_search_performed: findings.contacts_searched,
                label: labels[index].clone(),
                channel: speaker.channel,
                role: role(&findings, index),
                total_duration: speaker.speech.as_seconds(),
                contact: None,
                candidates: identity.candidates.iter().map(published::candidate).collect(),
                segments: segments.iter().filter(|segment| segment.speaker_id == id).cloned().collect(),
                speaker_id: id,
            }
        })
        .collect();
    Document {
        format_version: FormatVersion::CURRENT,
        speakers,
        segments,
        turns: diarization
            .turns
            .iter()
            .map(|turn| Turn {
                speaker_id: published::speaker_id(turn.speaker.0),
                channel: diarization.speakers.get(turn.speaker.0).and_then(|speaker| speaker.channel),
                start_time: turn.span.start().as_seconds(),
                end_time: turn.span.end().as_seconds(),
                confidence: published::ratio(turn.confidence),
            })
            .collect(),
        metadata: Metadata {
            total_duration: findings.source.duration.as_seconds(),
            speaker_count: diarization.speakers.len(),
            word_count: statistics.word_count,
            confidence_average: confidence,
            processing_stages: findings.reports.iter().map(|(stage, report)| (stage.name().to_owned(), report.status)).collect(),
            language: language.as_ref().map(|language| language.code.clone()),
            language_confidence: language.as_ref().map(|language| published::ratio(language.confidence)),
            audio: published::audio_info(findings.source, findings.size_bytes, findings.sha256),
            warnings: findings.warnings,
        },
        transcription,
        statistics,
        processing: findings.reports.into_iter().map(|(stage, report)| (stage.name().to_owned(), report)).collect(),
    }
}

/// A substitute when there is no diarization: one speaker for each signal with words, and the phrases as turns.
pub fn speakers_without_diarization(transcripts: &[(Option<u16>, Transcript)]) -> Diarization {
    let spoken: Vec<_> = transcripts.iter().filter(|(_, transcript)| !transcript.words.is_empty()).collect();
    let mut found: Vec<(Option<u16>, Vec<TimeSpan>)> = spoken
        .iter()
        .map(|(channel, transcript)| (*channel, merge(transcript.words.iter().map(|word| word.span).collect(), Millis(500))))
        .collect();
    found.sort_by_key(|(channel, turns)| (turns.first().copied(), *channel));
    let speakers = found
        .iter()
        .map(|(channel, turns)| DiarizedSpeaker {
            channel: *channel,
            speech: Millis(turns.iter().map(|turn| turn.duration().0).sum()),
            voiceprint: None,
        })
        .collect();
    let mut turns: Vec<SpeechTurn> = found
        .iter()
        .enumerate()
        .flat_map(|(index, (_, turns))| {
            turns.iter().map(move |span| SpeechTurn {
                span: *span,
                speaker: SpeakerIndex(index),
                confidence: 0.0,
                probability: TurnProbability::default(),
            })
        })
        .collect();
    turns.sort_by_key(|turn| (turn.span, turn.speaker));
    Diarization { speakers, turns }
}

/// The role of the speaker's channel, if both are known.
fn role(findings: &Findings<'_>, index: usize) -> Option<String> {
    let channel = findings.diarization.speakers.get(index)?.channel?;
    findings.channel_roles.get(usize::from(channel)).filter(|role| !role.is_empty()).cloned()
}

/// How texts name a speaker: the person's name if known, else the role if no other speaker has the channel, else the id.
fn label(findings: &Findings<'_>, index: usize) -> String {
    if let Some(name) = findings.identities.get(index).and_then(|identity| identity.name.clone()) {
        return name;
    }
    let shares_channel = |other: usize| {
        other != index && findings.diarization.speakers[other].channel == findings.diarization.speakers[index].channel
    };
    role(findings, index)
        .filter(|_| !(0..findings.diarization.speakers.len()).any(shares_channel))
        .unwrap_or_else(|| published::speaker_id(index))
}
