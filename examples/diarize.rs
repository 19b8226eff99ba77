//! Diarizes recordings into RTTM files, for measuring: `diarize [OPTIONS] FILE ...`
//!
//! `--segmentation MODEL` and `--speaker MODEL` instead of voice activity and the built-in voiceprint, `--speakers N` for a given
//! number or `--references FOLDER` for the number in the RTTM of the same name, `--mix` for all channels as one signal, `--out FOLDER`.
//! Prints a line a recording: name, seconds of audio, CPU seconds, the channel and speech of each speaker.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use callannotate::audio::channels::plan;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::context::JobContext;
use callannotate::diarize::{
    Diarization, Diarize, SegmentationDiarizer, SegmentationOptions, SpeakerCount, TurnSmoothing, VadDiarizer, diarize_channels,
};
use callannotate::inference::Lanes;
use callannotate::jobs::options::ChannelMode;
use callannotate::voiceprint::VoiceprintModel;
use callannotate::volume::scratch_in;

#[derive(Default)]
struct Options {
    segmentation: Option<PathBuf>,
    speaker: Option<PathBuf>,
    speakers: Option<usize>,
    references: Option<PathBuf>,
    out: Option<PathBuf>,
    mix: bool,
    files: Vec<PathBuf>,
}

fn options() -> Result<Options> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--segmentation" => options.segmentation = Some(value()?.into()),
            "--speaker" => options.speaker = Some(value()?.into()),
            "--speakers" => options.speakers = Some(value()?.parse()?),
            "--references" => options.references = Some(value()?.into()),
            "--out" => options.out = Some(value()?.into()),
            "--mix" => options.mix = true,
            option if option.starts_with("--") => bail!("there is no option {option}"),
            file => options.files.push(file.into()),
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "its output")]
#[expect(clippy::disallowed_methods, reason = "a tool of the developers, outside the volume")]
fn main() -> Result<()> {
    let options = options()?;
    let lanes = Lanes::new(1);
    let voice = match &options.speaker {
        Some(path) => VoiceprintModel::load(path, &lanes)?,
        None => VoiceprintModel::built_in(&lanes)?,
    };
    let mut diarizer: Box<dyn Diarize> = match &options.segmentation {
        Some(path) => Box::new(SegmentationDiarizer::load(path, voice, &lanes, SegmentationOptions::default())?),
        None => Box::new(VadDiarizer::new(voice, TurnSmoothing::default())),
    };
    for file in &options.files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let ctx = JobContext::detached().with_scratch(scratch_in(std::env::temp_dir()));
        let recording = decode(file, &DecodeLimits::default(), &ctx).with_context(|| name.clone())?;
        let mode = if options.mix { ChannelMode::Mix } else { ChannelMode::Auto };
        let plan = plan(recording.channels, mode)?;
        let signals: Vec<_> = plan
            .signals()
            .iter()
            .map(|signal| (signal.channel().and_then(|channel| u16::try_from(channel).ok()), &signal.audio))
            .collect();
        let given = options.speakers.or_else(|| options.references.as_deref().and_then(|folder| count_in(folder, &name)));
        let count = given.map_or(SpeakerCount::UNKNOWN, SpeakerCount::exactly);
        let before = cpu_seconds();
        let found = diarize_channels(diarizer.as_mut(), &ctx, &signals, count)?;
        let cpu = cpu_seconds() - before;
        if let Some(folder) = &options.out {
            std::fs::create_dir_all(folder)?;
            std::fs::write(folder.join(format!("{name}.rttm")), rttm(&name, &found))?;
        }
        let speakers: Vec<_> = found.speakers.iter().map(|speaker| (speaker.channel, speaker.speech.as_seconds())).collect();
        println!(
            "{name} audio {:.1} cpu {cpu:.2} speakers {} {speakers:?}",
            recording.source.duration.as_seconds(),
            speakers.len()
        );
    }
    Ok(())
}

/// How many names the reference of a recording has.
fn count_in(folder: &Path, name: &str) -> Option<usize> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.rttm"))).ok()?;
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(7)).collect();
    Some(names.len()).filter(|count| *count > 0)
}

fn rttm(name: &str, found: &Diarization) -> String {
    let mut text = String::new();
    for turn in &found.turns {
        let (start, length) = (turn.span.start().as_seconds(), turn.span.duration().as_seconds());
        // Writing into a text cannot fail.
        let _written = writeln!(text, "SPEAKER {name} 1 {start:.3} {length:.3} <NA> <NA> spk{} <NA> <NA>", turn.speaker.0);
    }
    text
}

/// User and system time of this process so far (Linux; in hundredths of a second, which all of its kernels use).
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}
