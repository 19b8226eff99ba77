//! Known voices in the sample calls, enrolled from other sentences of the same speakers. Grace, who leaves the voicemail, is not enrolled.

use std::path::Path;

use callannotate::audio::Audio;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::audio::telephone_band::{is_wideband, to_telephone_band};
use callannotate::context::JobContext;
use callannotate::diarize::{Diarize, SpeakerCount, TurnSmoothing, VadDiarizer};
use callannotate::recognize::{Candidate, Recognizer};

use crate::support::der::{mapping, read_rttm, turns_of};
use crate::support::diarizers::{Voice, call, diarize_file, voiceprint, with_segmentation, without_segmentation};

const ENROLLED: [&str; 7] = ["alice", "bob", "carol", "dave", "frank", "anna", "ivan"];
const CALLS: [&str; 5] = ["support-mono", "billing-stereo", "conference-mono", "voicemail", "support-ru-stereo"];

/// Writes a file for each voice in the format of `models/embeddings/`.
#[expect(clippy::disallowed_methods, reason = "the test's own folder")]
fn enrol(folder: &Path, voice: Voice) {
    let ctx = JobContext::detached();
    let mut alone = VadDiarizer::new(voiceprint(voice).unwrap(), TurnSmoothing::default());
    let mut vector_of = |audio: &Audio| {
        let found = alone.diarize(&ctx, audio, SpeakerCount::exactly(1)).unwrap();
        found.speakers[0].voiceprint.clone().unwrap()
    };
    for name in ENROLLED {
        let recording = decode(&call(&format!("voices/{name}.flac")), &DecodeLimits::default(), &ctx).unwrap();
        let wide = &recording.channels[0];
        assert!(is_wideband(wide).unwrap(), "{name}");
        let (print, telephone) = (vector_of(wide), vector_of(&to_telephone_band(wide).unwrap()));
        let vectors = [print.vector, telephone.vector];
        let file = serde_json::json!({"voice_id": name, "name": name, "model": print.model, "vectors": vectors});
        std::fs::write(folder.join(format!("{name}.json")), file.to_string()).unwrap();
    }
}

/// The recognition result for one speaker of a call.
struct Answer {
    call: &'static str,
    truth: String,
    given: Option<String>,
    candidates: Vec<Candidate>,
}

fn recognize(diarizer: &mut dyn Diarize, voice: Voice) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    enrol(folder.path(), voice);
    let recognizer = Recognizer::new(folder.path().to_owned(), &voiceprint(voice).unwrap(), None);
    let mut answers = Vec::new();
    for name in CALLS {
        let (found, _) = diarize_file(diarizer, &call(&format!("{name}.flac")), SpeakerCount::UNKNOWN);
        let (reference, names) = read_rttm(&call(&format!("{name}.rttm")));
        let truth = mapping(&reference, &turns_of(&found));
        let prints: Vec<_> = found.speakers.iter().map(|speaker| speaker.voiceprint.clone()).collect();
        let recognition = recognizer.recognize(&prints);
        assert!(recognition.warnings.is_empty(), "{:?}", recognition.warnings);
        for (speaker, identity) in recognition.identities.into_iter().enumerate() {
            let truth = truth.get(&speaker).map_or_else(String::new, |reference| names[*reference].clone());
            answers.push(Answer { call: name, truth, given: identity.name, candidates: identity.candidates });
        }
    }
    answers
}

#[test]
fn the_best_voiceprint_names_everyone_who_is_enrolled() {
    let Some(mut diarizer) = with_segmentation(Voice::Ge2e) else { return };
    let answers = recognize(diarizer.as_mut(), Voice::Ge2e);
    assert_eq!(answers.len(), 10);
    for Answer { call, truth, given, candidates } in answers {
        let expected = (truth != "grace").then_some(truth);
        assert_eq!(given, expected, "{call}: {candidates:?}");
    }
}

/// The built-in voiceprint is too weak for telephone lines: it must leave all speakers there unidentified.
#[test]
fn the_built_in_voiceprint_names_nobody_wrongly() {
    let mut diarizer = without_segmentation(Voice::BuiltIn).unwrap();
    let answers = recognize(diarizer.as_mut(), Voice::BuiltIn);
    for Answer { call, truth, given, candidates } in &answers {
        assert!(given.as_ref().is_none_or(|given| given == truth), "{call}, {truth}: {candidates:?}");
        if !call.contains("stereo") && truth != "grace" {
            assert_eq!(given.as_ref(), Some(truth), "{call}: {candidates:?}");
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.given.is_some()).count(), 5);
}
