//! Every supported container, codec, sample rate and channel layout.
//!
//! One clip is encoded in all of them, and each must decode to the same sound at the same times. Then odd, broken
//! and hostile files: each must decode or fail with a plain error.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::support::models::shared_path;
use super::support::sound::{alignment, ffmpeg, fixture, read_floats, run, text};
use callannotate::audio::Recording;
use callannotate::audio::decode::{DecodeError, DecodeLimits, decode, probe};
use callannotate::context::JobContext;
use callannotate::media::SourceInfo;
use tempfile::TempDir;

/// Length of the clip in seconds.
const SECONDS: f64 = 4.0;

/// One encoding of the clip.
struct Case {
    /// The file's name, which the decoder ignores.
    name: &'static str,
    rate: u32,
    channels: u16,
    arguments: &'static [&'static str],
    format: &'static str,
    codec: &'static str,
    /// The tolerated error of length and delay, in milliseconds.
    tolerance: f64,
    /// The minimum correlation with the original.
    likeness: f32,
}

const fn case(
    name: &'static str,
    rate: u32,
    channels: u16,
    arguments: &'static [&'static str],
    format: &'static str,
    codec: &'static str,
) -> Case {
    Case { name, rate, channels, arguments, format, codec, tolerance: 1.0, likeness: 0.95 }
}

/// A codec whose container does not store the encoder delay: late by one or two frames.
const fn late(mut case: Case, tolerance: f64) -> Case {
    case.tolerance = tolerance;
    case
}

/// A codec that keeps the sound of a voice but not its waveform.
const fn alike(mut case: Case, likeness: f32) -> Case {
    case.likeness = likeness;
    case.tolerance = 21.0;
    case
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("s16.wav", 8_000, 1, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("s16-11k.wav", 11_025, 2, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("s16-16k.wav", 16_000, 2, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("s16-44k.wav", 44_100, 2, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("s16-96k.wav", 96_000, 1, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("s16-7999.wav", 7_999, 1, &["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    case("u8.wav", 8_000, 1, &["-c:a", "pcm_u8"], "wav", "pcm_u8"),
    case("s24.wav", 48_000, 2, &["-c:a", "pcm_s24le"], "wav", "pcm_s24le"),
    case("s32.wav", 22_050, 1, &["-c:a", "pcm_s32le"], "wav", "pcm_s32le"),
    case("f32.wav", 16_000, 1, &["-c:a", "pcm_f32le"], "wav", "pcm_f32le"),
    case("f64.wav", 32_000, 2, &["-c:a", "pcm_f64le"], "wav", "pcm_f64le"),
    case("alaw.wav", 8_000, 2, &["-c:a", "pcm_alaw"], "wav", "pcm_alaw"),
    case("mulaw.wav", 8_000, 1, &["-c:a", "pcm_mulaw"], "wav", "pcm_mulaw"),
    late(case("ima.wav", 8_000, 1, &["-c:a", "adpcm_ima_wav"], "wav", "adpcm_ima_wav"), 255.0),
    late(case("ima-stereo.wav", 16_000, 2, &["-c:a", "adpcm_ima_wav"], "wav", "adpcm_ima_wav"), 65.0),
    late(case("ms.wav", 8_000, 1, &["-c:a", "adpcm_ms"], "wav", "adpcm_ms"), 255.0),
    case("rf64.wav", 8_000, 1, &["-c:a", "pcm_s16le", "-rf64", "always"], "wav", "pcm_s16le"),
    alike(case("gsm.wav", 8_000, 1, &["-c:a", "libgsm_ms"], "wav", "gsm_ms"), 0.85),
    alike(case("frames.gsm", 8_000, 1, &["-c:a", "libgsm", "-f", "gsm"], "gsm", "gsm"), 0.85),
    case("s16.w64", 16_000, 2, &["-c:a", "pcm_s16le"], "w64", "pcm_s16le"),
    case("mulaw.w64", 8_000, 1, &["-c:a", "pcm_mulaw"], "w64", "pcm_mulaw"),
    case("f32.w64", 44_100, 1, &["-c:a", "pcm_f32le"], "w64", "pcm_f32le"),
    case("mulaw.au", 8_000, 1, &["-c:a", "pcm_mulaw"], "au", "pcm_mulaw"),
    case("alaw.au", 8_000, 2, &["-c:a", "pcm_alaw"], "au", "pcm_alaw"),
    case("s8.au", 8_000, 1, &["-c:a", "pcm_s8"], "au", "pcm_s8"),
    case("s24.au", 48_000, 2, &["-c:a", "pcm_s24be"], "au", "pcm_s24be"),
    case("f64.au", 16_000, 1, &["-c:a", "pcm_f64be"], "au", "pcm_f64be"),
    late(case("mp3-in.wav", 16_000, 1, &["-c:a", "libmp3lame", "-f", "wav"], "wav", "mp3"), 110.0),
    case("mpeg1.mp3", 44_100, 2, &["-c:a", "libmp3lame", "-b:a", "128k"], "mp3", "mp3"),
    case("mpeg2.mp3", 22_050, 1, &["-c:a", "libmp3lame", "-b:a", "48k"], "mp3", "mp3"),
    case("mpeg25.mp3", 8_000, 1, &["-c:a", "libmp3lame", "-b:a", "24k"], "mp3", "mp3"),
    case("vbr.mp3", 48_000, 2, &["-c:a", "libmp3lame", "-q:a", "4", "-id3v2_version", "3", "-write_id3v1", "1", "-metadata", "title=A title"], "mp3", "mp3"),
    late(case("no-xing.mp3", 44_100, 1, &["-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0"], "mp3", "mp3"), 80.0),
    late(case("mp2.mp2", 48_000, 1, &["-c:a", "mp2", "-b:a", "96k"], "mp3", "mp2"), 50.0),
    case("flac.flac", 8_000, 1, &["-c:a", "flac"], "flac", "flac"),
    case("flac24.flac", 48_000, 2, &["-c:a", "flac", "-sample_fmt", "s32"], "flac", "flac"),
    case("flac.ogg", 44_100, 2, &["-c:a", "flac"], "ogg", "flac"),
    case("opus.opus", 48_000, 1, &["-c:a", "libopus", "-b:a", "24k"], "opus", "opus"),
    case("opus-stereo.ogg", 48_000, 2, &["-c:a", "libopus", "-b:a", "64k"], "opus", "opus"),
    case("opus-60ms.opus", 48_000, 1, &["-c:a", "libopus", "-b:a", "16k", "-frame_duration", "60"], "opus", "opus"),
    late(case("opus.webm", 48_000, 1, &["-c:a", "libopus"], "mkv", "opus"), 25.0),
    case("vorbis.ogg", 44_100, 2, &["-c:a", "libvorbis"], "ogg", "vorbis"),
    case("vorbis-8k.ogg", 8_000, 1, &["-c:a", "libvorbis"], "ogg", "vorbis"),
    late(case("vorbis.mka", 44_100, 1, &["-c:a", "libvorbis"], "mkv", "vorbis"), 50.0),
    case("aac.m4a", 44_100, 2, &["-c:a", "aac", "-b:a", "96k"], "m4a", "aac"),
    case("aac-16k.m4a", 16_000, 1, &["-c:a", "aac", "-movflags", "+faststart"], "m4a", "aac"),
    late(case("aac-fragments.mp4", 48_000, 1, &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], "m4a", "aac"), 70.0),
    late(case("aac.aac", 16_000, 1, &["-c:a", "aac"], "aac", "aac"), 200.0),
    case("alac.m4a", 44_100, 2, &["-c:a", "alac"], "m4a", "alac"),
    case("opus.mp4", 48_000, 1, &["-c:a", "libopus", "-strict", "-2"], "m4a", "opus"),
    late(case("flac.mka", 16_000, 1, &["-c:a", "flac"], "mkv", "flac"), 100.0),
    case("s16.aiff", 22_050, 2, &["-c:a", "pcm_s16be"], "aiff", "pcm_s16be"),
    case("s16.caf", 16_000, 1, &["-c:a", "pcm_s16le"], "caf", "pcm_s16le"),
    // Probing ALAC in CAF counts whole packets only.
    late(case("alac.caf", 16_000, 1, &["-c:a", "alac"], "caf", "alac"), 100.0),
];

fn open(path: &Path) -> (Result<SourceInfo, DecodeError>, Result<Recording, DecodeError>) {
    let limits = DecodeLimits::default();
    (probe(path, &limits), decode(path, &limits, &JobContext::detached()))
}

/// The clip as ffmpeg decodes it, at 16 kHz.
fn reference(folder: &Path) -> Vec<f32> {
    let path = folder.join("reference.f32");
    let length = SECONDS.to_string();
    ffmpeg(&fixture("voicemail.flac"), &["-t", &length, "-ac", "1", "-ar", "16000", "-f", "f32le"], &path);
    read_floats(&path)
}

/// Checks one case and returns what is wrong with it.
fn check(case: &Case, folder: &Path, reference: &[f32]) -> Result<(), String> {
    let path = folder.join(case.name);
    let (length, rate) = (SECONDS.to_string(), case.rate.to_string());
    // The second channel is quieter and inverted, so that swapped channels are noticed.
    let layout = if case.channels == 2 { "pan=stereo|c0=c0|c1=-0.5*c0" } else { "pan=mono|c0=c0" };
    let mut arguments = vec!["-t", &length, "-af", layout, "-ar", &rate];
    arguments.extend(case.arguments);
    ffmpeg(&fixture("voicemail.flac"), &arguments, &path);
    let (probed, decoded) = open(&path);
    let (probed, decoded) = (probed.map_err(|error| format!("probe: {error}"))?, decoded.map_err(|error| error.to_string())?);
    let mut wrong = Vec::new();
    for source in [&probed, &decoded.source] {
        let facts = (source.format.name(), source.codec.as_str(), source.sample_rate, source.channels);
        if facts != (case.format, case.codec, case.rate, case.channels) {
            wrong.push(format!("is taken for {facts:?}"));
        }
        let off = (source.duration.as_seconds() - SECONDS) * 1_000.0;
        if off.abs() > case.tolerance + 1.0 {
            wrong.push(format!("is {off:.0} ms too long"));
        }
    }
    if decoded.damaged_packets > 0 {
        wrong.push(format!("has {} damaged packets", decoded.damaged_packets));
    }
    for (index, channel) in decoded.channels.iter().enumerate() {
        let (delay, likeness) =
            alignment(reference, &channel.read(0..channel.len()).unwrap(), case.tolerance.max(5.0) as i32 * 16);
        if f64::from(delay.abs()) / 16.0 > case.tolerance {
            wrong.push(format!("channel {index} is {delay} samples late"));
        }
        let signed = if index == 1 { -likeness } else { likeness };
        if signed < case.likeness {
            wrong.push(format!("channel {index} is alike by {signed:.3} only"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) }
}

#[test]
fn one_clip_in_every_format_gives_the_same_sound_at_the_same_times() {
    let folder = TempDir::new().expect("a folder for the clips");
    let reference = reference(folder.path());
    let wrong: Vec<String> = CASES
        .iter()
        .filter_map(|case| check(case, folder.path(), &reference).err().map(|wrong| format!("{}: {wrong}", case.name)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn recordings_of_sox_are_read() {
    let folder = TempDir::new().expect("a folder for the clips");
    let source = fixture("voicemail.flac");
    for (name, options) in [
        ("a.wav", &["-e", "a-law"][..]),
        ("u.wav", &["-e", "u-law"]),
        ("ima.wav", &["-e", "ima-adpcm"]),
        ("ms.wav", &["-e", "ms-adpcm"]),
        ("f.wav", &["-e", "floating-point", "-b", "32"]),
        ("b24.wav", &["-b", "24"]),
        ("s.aiff", &["-b", "16"]),
    ] {
        let path = folder.path().join(name);
        let mut arguments = vec![text(&source)];
        arguments.extend(options);
        arguments.extend([text(&path), "trim", "0", "2"]);
        run("sox", &arguments);
        let (probed, decoded) = open(&path);
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((decoded.source.duration.as_seconds() - 2.0).abs() < 0.001, "{name}: {:?}", decoded.source);
        assert_eq!(probed.expect(name).duration, decoded.source.duration, "{name}");
    }
}

#[test]
fn what_is_piped_out_of_ffmpeg_has_its_whole_length() {
    let folder = TempDir::new().expect("a folder for the clips");
    let path = folder.path().join("piped.wav");
    // On a pipe ffmpeg cannot seek back to fill in the sizes.
    let script = "ffmpeg -nostdin -v error -i \"$0\" -t 2 -f wav - | cat > \"$1\"";
    run("sh", &["-c", script, text(&fixture("voicemail.flac")), text(&path)]);
    let (probed, decoded) = open(&path);
    assert_eq!(probed.expect("probe").duration.0, 2_000);
    assert_eq!(decoded.expect("decode").source.duration.0, 2_000);
}

#[test]
fn mp3_files_joined_end_to_end_are_heard_to_the_end() {
    let folder = TempDir::new().expect("a folder for the clips");
    let (part, joined) = (folder.path().join("part.mp3"), folder.path().join("joined.mp3"));
    ffmpeg(&fixture("voicemail.flac"), &["-t", "3", "-c:a", "libmp3lame"], &part);
    run("sh", &["-c", "cat \"$0\" \"$0\" \"$0\" > \"$1\"", text(&part), text(&joined)]);
    let (probed, decoded) = open(&joined);
    for seconds in [probed.expect("probe").duration.as_seconds(), decoded.expect("decode").source.duration.as_seconds()] {
        assert!((seconds - 9.0).abs() < 0.4, "{seconds}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the table of outcomes is for reading")]
fn every_odd_broken_or_hostile_file_ends_in_a_success_or_a_plain_error() {
    let Some(root) = shared_path("audio/codecs") else { return };
    let mut folders = vec![root.clone()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let begun = Instant::now();
            let (probed, decoded) = open(&path);
            println!(
                "{}\t{}\t{}",
                path.strip_prefix(&root).unwrap_or(&path).display(),
                described(&probed),
                described(&decoded.as_ref().map(|it| &it.source))
            );
            assert!(begun.elapsed().as_secs() < 20, "{} takes too long", path.display());
            assert!(!matches!(probed, Err(DecodeError::Read(_))), "{}: {probed:?}", path.display());
            if let (Ok(probed), Ok(decoded)) = (&probed, &decoded) {
                let off = (probed.duration.as_seconds() - decoded.source.duration.as_seconds()).abs();
                assert!(off < 0.15, "{}: probed {probed:?}, decoded {:?}", path.display(), decoded.source);
            }
            seen += 1;
        }
    }
    assert!(seen > 50);
}

fn described<S: std::borrow::Borrow<SourceInfo>, E: std::fmt::Display>(outcome: &Result<S, E>) -> String {
    match outcome {
        Ok(source) => {
            let source = source.borrow();
            format!(
                "{} {} {} Hz {} ch {:.3} s",
                source.format.name(),
                source.codec,
                source.sample_rate,
                source.channels,
                source.duration.as_seconds()
            )
        }
        Err(error) => error.to_string(),
    }
}
