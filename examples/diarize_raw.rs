//! Diarizes raw 16 kHz float recordings into RTTM files, for measuring: `diarize_raw METHOD VOICEPRINT COUNT OUT FILE.f32 ...`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a tool of the developers")]
use callannotate::audio::Audio;
use callannotate::context::JobContext;
use callannotate::diarize::*;
use callannotate::inference::Lanes;
use callannotate::voiceprint::VoiceprintModel;
use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let lanes = Lanes::new(1);
    let voice = match args[1].as_str() {
        "builtin" => VoiceprintModel::built_in(&lanes).unwrap(),
        path => VoiceprintModel::load(Path::new(path), &lanes).unwrap(),
    };
    let mut diarizer: Box<dyn Diarize> = match args[0].as_str() {
        "vad" => Box::new(VoicedDiarizer::new(voice)),
        path => Box::new(SegmentedDiarizer::load(Path::new(path), voice, &lanes, SegmentedOptions::default()).unwrap()),
    };
    for file in &args[4..] {
        let name = Path::new(file).file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(file).unwrap();
        let audio = Audio::new(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect());
        let count = match args[2].as_str() {
            "est" => SpeakerCount::UNKNOWN,
            "given" => {
                let rttm = std::fs::read_to_string(format!("/tmp/diar/ref/{name}.rttm")).unwrap_or_default();
                let names: std::collections::BTreeSet<&str> = rttm.lines().filter_map(|l| l.split_whitespace().nth(7)).collect();
                if names.is_empty() { SpeakerCount::UNKNOWN } else { SpeakerCount::exactly(names.len()) }
            }
            n => SpeakerCount::exactly(n.parse().unwrap()),
        };
        let begin = std::time::Instant::now();
        let result = diarizer.diarize(&JobContext::detached(), &audio, count).unwrap();
        let seconds = begin.elapsed().as_secs_f64();
        let mut rttm = String::new();
        for turn in &result.turns {
            writeln!(
                rttm,
                "SPEAKER {name} 1 {:.3} {:.3} <NA> <NA> spk{} <NA> <NA>",
                turn.span.start().as_seconds(),
                turn.span.duration().as_seconds(),
                turn.speaker.0
            )
            .unwrap();
        }
        std::fs::create_dir_all(&args[3]).unwrap();
        std::fs::write(format!("{}/{name}.rttm", args[3]), rttm).unwrap();
        println!(
            "{name} audio {:.1} wall {seconds:.2} speakers {} {:?}",
            audio.duration().as_seconds(),
            result.speakers.len(),
            result.speakers.iter().map(|s| s.speech.as_seconds()).collect::<Vec<_>>()
        );
    }
}
