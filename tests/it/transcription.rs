//! The transcriber alone, with a real model, on the sample calls: speech regions come from the references, so that only
//! the transcription is measured. `calls.rs` measures the whole pipeline.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::audio::time::{Millis, TimeSpan, merge};
use callannotate::audio::{Audio, SAMPLE_RATE};
use callannotate::checkpoints::Checkpoints;
use callannotate::context::JobContext;
use callannotate::stop::{StopReason, StopSignal};
use callannotate::transcribe::transcriber::{WhisperSettings, WhisperTranscriber};
use callannotate::transcribe::whisper::LoadError;
use callannotate::transcribe::{Signal, Transcribe, TranscribeError, TranscribeOptions, Transcript};
use serde_json::Value;

use super::support::app::DEADLINE;
use super::support::models;
use super::support::wer::{self, Spoken};

/// The pulse beats once at the start, after each encoder pass and with each token. This count is reached inside the first window,
/// which has more tokens, whether one thread works or two.
const BEATS_INSIDE_A_WINDOW: u64 = 10;

/// Call and maximum WER in percent: that of plain whisper.cpp on the whole file or channel, plus one point.
const CALLS: [(&str, f64); 4] = [("support-mono", 1.9), ("billing-stereo", 2.5), ("conference-mono", 2.1), ("voicemail", 5.0)];

fn load(path: &Path) -> Result<WhisperTranscriber, LoadError> {
    WhisperTranscriber::load(path, WhisperSettings { threads: 2, denoise: false })
}

fn english() -> Option<WhisperTranscriber> {
    models::folder_with_whisper().map(|folder| load(&folder.join(models::ENGLISH)).unwrap())
}

/// A third-party model that is made for tests.
fn stub(name: &str) -> Option<PathBuf> {
    models::shared_path(&format!("models/whisper-stubs/{name}"))
}

/// One channel of a call with its reference turns, and speech regions with small margins, like a diarizer's.
struct Channel {
    audio: Audio,
    speech: Vec<TimeSpan>,
    turns: Vec<Turn>,
}

struct Turn {
    speaker: String,
    start: f64,
    end: f64,
    text: String,
}

fn channels(name: &str) -> Vec<Channel> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls");
    let reference: Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let recording =
        decode(&folder.join(format!("{name}.flac")), &DecodeLimits::default(), &JobContext::detached()).unwrap().channels;
    let several = recording.len() > 1;
    recording
        .into_iter()
        .enumerate()
        .map(|(channel, audio)| {
            let mine = |turn: &&Value| !several || turn["channel"].as_u64() == Some(channel as u64);
            let turns: Vec<Turn> = reference["turns"]
                .as_array()
                .unwrap()
                .iter()
                .filter(mine)
                .map(|turn| Turn {
                    speaker: turn["speaker"].as_str().unwrap().to_owned(),
                    start: turn["start"].as_f64().unwrap(),
                    end: turn["end"].as_f64().unwrap(),
                    text: turn["text"].as_str().unwrap().to_owned(),
                })
                .collect();
            let span = |turn: &Turn| {
                TimeSpan::new(Millis::from_seconds(turn.start - 0.1), Millis::from_seconds(turn.end + 0.1)).unwrap()
            };
            let speech = merge(turns.iter().map(span).collect(), Millis(0));
            Channel { audio, speech, turns }
        })
        .collect()
}

/// Only the speech in the first `seconds` of each channel.
fn beginning(mut channels: Vec<Channel>, seconds: f64) -> Vec<Channel> {
    for channel in &mut channels {
        channel.speech.retain(|span| span.end().as_seconds() <= seconds);
    }
    channels
}

fn transcribe(model: &mut WhisperTranscriber, channels: &[Channel], options: &TranscribeOptions) -> Vec<Transcript> {
    let signals: Vec<_> = channels.iter().map(|channel| Signal { audio: &channel.audio, speech: &channel.speech }).collect();
    model.transcribe(&JobContext::detached(), &signals, options).unwrap()
}

fn text(transcript: &Transcript) -> String {
    transcript.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The words, each assigned to the turn with the longest overlap.
fn by_turn(transcript: &Transcript, turns: &[Turn]) -> Vec<Spoken> {
    let shared = |turn: &Turn, span: TimeSpan| turn.end.min(span.end().as_seconds()) - turn.start.max(span.start().as_seconds());
    let speaker = |span| turns.iter().max_by(|a, b| shared(a, span).total_cmp(&shared(b, span))).map(|turn| turn.speaker.clone());
    transcript
        .words
        .iter()
        .map(|word| Spoken {
            speaker: speaker(word.span).unwrap(),
            start: word.span.start().as_seconds(),
            text: word.text.clone(),
        })
        .collect()
}

#[test]
fn calls_are_written_down_and_words_fall_into_their_turns() {
    let Some(mut model) = english() else { return };
    for (name, most) in CALLS {
        let channels = channels(name);
        let transcripts = transcribe(&mut model, &channels, &TranscribeOptions::default());
        let (mut plain, mut concatenated, mut words) = (0, 0, 0);
        for (Channel { turns, audio, .. }, transcript) in channels.iter().zip(&transcripts) {
            let said: Vec<_> = turns
                .iter()
                .map(|turn| Spoken { speaker: turn.speaker.clone(), start: turn.start, text: turn.text.clone() })
                .collect();
            let found = by_turn(transcript, turns);
            let score = wer::plain(&said, &found);
            plain += score.errors;
            words += score.words;
            concatenated += wer::concatenated(&said, &found).errors;
            assert!(transcript.words.windows(2).all(|pair| pair[0].span.end() <= pair[1].span.start()), "{name}");
            assert!(transcript.words.last().is_none_or(|word| word.span.end() <= audio.duration()), "{name}");
            assert_eq!(transcript.warnings, [""; 0], "{name}");
        }
        let percent = |errors: usize| 100.0 * errors as f64 / words as f64;
        assert!(percent(plain) <= most, "{name}: WER {:.1} %", percent(plain));
        assert!(percent(concatenated) <= percent(plain) + 2.0, "{name}: cpWER {:.1} %", percent(concatenated));
    }
}

#[test]
fn the_same_call_gives_the_same_words_however_many_threads_there_are() {
    let Some(folder) = models::folder_with_whisper() else { return };
    // Two channels are two chunks of work, each with several windows.
    let channels = beginning(channels("billing-stereo"), 45.0);
    let words = |threads| {
        let mut model =
            WhisperTranscriber::load(&folder.join(models::ENGLISH), WhisperSettings { threads, denoise: false }).unwrap();
        transcribe(&mut model, &channels, &TranscribeOptions::default())
    };
    assert_eq!(words(1), words(3));
}

#[test]
fn music_and_tones_sent_by_mistake_give_no_words() {
    let Some(mut model) = english() else { return };
    let mut hold = channels("hold-music");
    let second = SAMPLE_RATE as usize;
    let tone = (0..20 * second).map(|index| 0.3 * (index as f32 * 440.0 * std::f32::consts::TAU / second as f32).sin()).collect();
    hold.push(Channel { audio: Audio::new(tone), speech: Vec::new(), turns: Vec::new() });
    for channel in &mut hold {
        channel.speech = vec![TimeSpan::new(Millis(0), channel.audio.duration()).unwrap()];
    }
    for transcript in transcribe(&mut model, &hold, &TranscribeOptions::default()) {
        assert_eq!((text(&transcript).as_str(), transcript.language), ("", None));
    }
}

#[test]
fn no_speech_is_no_words_and_asks_the_model_nothing() {
    let Some(mut model) = english() else { return };
    let silent = Channel { audio: Audio::new(vec![0.0; 16_000]), speech: Vec::new(), turns: Vec::new() };
    assert_eq!(transcribe(&mut model, &[silent], &TranscribeOptions::default()), [Transcript::default()]);
    assert!(transcribe(&mut model, &[], &TranscribeOptions::default()).is_empty());
}

#[test]
fn an_english_model_says_what_it_cannot_do() {
    let Some(mut model) = english() else { return };
    assert!(model.can_speak("en-US") && !model.can_speak("ru"));
    // A part is enough: the model decodes Russian several times, since it doubts its own text.
    let russian = beginning(channels("support-ru-stereo"), 30.0);
    let warnings =
        |model: &mut WhisperTranscriber, options: TranscribeOptions| transcribe(model, &russian, &options).remove(0).warnings;
    let found = warnings(&mut model, TranscribeOptions::default());
    assert!(found.iter().any(|warning| warning.contains("another language")), "{found:?}");
    let asked = warnings(
        &mut model,
        TranscribeOptions { language: Some("ru".to_owned()), translate: true, ..TranscribeOptions::default() },
    );
    assert!(asked[0].contains("\"ru\" was asked for") && asked[1].contains("translation"), "{asked:?}");
}

#[test]
fn a_multilingual_model_finds_the_language_and_writes_it() {
    let Some(path) = stub("test-multilingual-q5_0.bin") else { return };
    let mut model = load(&path).unwrap();
    assert!(model.can_speak("ru") && model.can_speak("de") && !model.can_speak("xx") && !model.can_speak("russian"));
    let transcripts = transcribe(&mut model, &channels("support-ru-stereo"), &TranscribeOptions::default());
    for transcript in &transcripts {
        let language = transcript.language.clone().unwrap();
        assert_eq!(language.code, "ru");
        assert!((0.5..=1.0).contains(&language.confidence), "{}", language.confidence);
        assert!(text(transcript).chars().any(|c| ('а'..='я').contains(&c)), "{}", text(transcript));
    }
    let english = TranscribeOptions { language: Some("EN-us".to_owned()), ..TranscribeOptions::default() };
    let transcripts = transcribe(&mut model, &channels("voicemail"), &english);
    let language = transcripts[0].language.clone().unwrap();
    assert_eq!((language.code.as_str(), language.confidence), ("en", 1.0));
}

#[test]
fn a_job_told_to_stop_in_the_middle_of_a_window_stops_within_two_seconds() {
    let Some(mut model) = english() else { return };
    let channels = channels("conference-mono");
    let signals = [Signal { audio: &channels[0].audio, speech: &channels[0].speech }];
    // Every finished window is kept as a checkpoint: here there must be none.
    let windows = Arc::new(AtomicUsize::new(0));
    let sink = Arc::clone(&windows);
    let keep = move |_: &[u8]| {
        sink.fetch_add(1, Ordering::AcqRel);
        Ok(())
    };
    let stop = StopSignal::new();
    let ctx = JobContext::new(stop.clone(), Arc::new(|_, _| {})).with_checkpoints(Checkpoints::new([], Box::new(keep)));
    let pulse = ctx.pulse().clone();
    let raised = std::thread::spawn(move || {
        let begun = Instant::now();
        while pulse.count() < BEATS_INSIDE_A_WINDOW && begun.elapsed() < DEADLINE {
            std::thread::yield_now();
        }
        stop.raise(StopReason::Cancelled);
        Instant::now()
    });
    let result = model.transcribe(&ctx, &signals, &TranscribeOptions::default());
    let waited = raised.join().unwrap().elapsed();
    assert!(matches!(result, Err(TranscribeError::Stopped(_))), "{result:?}");
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert!(ctx.pulse().count() >= BEATS_INSIDE_A_WINDOW, "the stop came before the first tokens");
    assert_eq!(windows.load(Ordering::Acquire), 0, "the stop came after a window");
}

#[test]
fn progress_grows_to_a_hundred() {
    let Some(mut model) = english() else { return };
    let reported = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reported);
    let ctx = JobContext::new(StopSignal::new(), Arc::new(move |_, percent| sink.lock().unwrap().push(percent)));
    let channels = beginning(channels("support-mono"), 50.0);
    let signals = [Signal { audio: &channels[0].audio, speech: &channels[0].speech }];
    model.transcribe(&ctx, &signals, &TranscribeOptions::default()).unwrap();
    let reported = reported.lock().unwrap();
    assert!(
        reported.is_sorted() && reported.first().is_some_and(|percent| *percent < 100) && reported.last() == Some(&100),
        "{reported:?}"
    );
}

#[test]
fn names_that_were_announced_are_written_as_announced() {
    let Some(mut model) = english() else { return };
    let channels = channels("billing-stereo");
    let hotwords = vec!["Karol".to_owned(), "Dave Müller".to_owned()];
    let prompted = transcribe(&mut model, &channels[..1], &TranscribeOptions { hotwords, ..TranscribeOptions::default() });
    assert!(text(&prompted[0]).contains("Karol"), "{}", text(&prompted[0]));
}

#[test]
fn files_that_are_no_model_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let reason = |path: &Path| {
        let error = load(path).err().unwrap();
        format!("{error} {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default())
    };
    assert!(reason(&folder.path().join("absent.bin")).contains("not readable"));
    assert!(reason(&write("text.bin", b"This is not a model.")).contains("not a ggml model"));
    if let Some(path) = stub("for-tests-ggml-tiny.bin") {
        assert!(reason(&path).contains("stub"));
    }
    if let Some(path) = models::folder_with_whisper() {
        let bytes = std::fs::read(path.join(models::ENGLISH)).unwrap();
        assert!(reason(&write("half.bin", &bytes[..bytes.len() / 2])).contains("cut off"));
    }
}
