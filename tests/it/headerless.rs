//! Headerless samples: decoded if the format is given, and only if it is plausible.

use std::path::{Path, PathBuf};

use super::support::sound::{alignment, ffmpeg, fixture};
use callannotate::audio::Recording;
use callannotate::audio::decode::{DecodeError, DecodeLimits, decode, decode_as, probe_as};
use callannotate::audio::time::Millis;
use callannotate::context::JobContext;
use callannotate::media::{Coding, Headerless};
use tempfile::TempDir;

const ALAW: Headerless = Headerless { coding: Coding::Alaw, rate: 8_000, channels: 1 };
const MULAW: Headerless = Headerless { coding: Coding::Mulaw, rate: 8_000, channels: 1 };

/// A sample call as raw samples of this format.
fn raw(folder: &TempDir, from: &str, said: Headerless) -> PathBuf {
    let path = folder.path().join(format!("{from}.{}", said.coding.codec()));
    let (rate, channels) = (said.rate.to_string(), said.channels.to_string());
    let container = match said.coding {
        Coding::Alaw => "alaw",
        Coding::Mulaw => "mulaw",
        Coding::Linear => "s16be",
    };
    ffmpeg(&fixture(from), &["-t", "20", "-ar", &rate, "-ac", &channels, "-f", container], &path);
    path
}

fn open(path: &Path, said: Headerless) -> Result<Recording, DecodeError> {
    let limits = DecodeLimits::default();
    let probed = probe_as(path, Some(said), &limits);
    let decoded = decode_as(path, Some(said), &limits, &JobContext::detached());
    match (probed, decoded) {
        (Ok(probed), Ok(decoded)) => {
            assert_eq!(probed, decoded.source, "{}", path.display());
            Ok(decoded)
        }
        (Err(probed), Err(decoded)) => {
            assert_eq!(probed.to_string(), decoded.to_string());
            Err(probed)
        }
        (probed, decoded) => panic!("{}: {probed:?}, but {:?}", path.display(), decoded.map(|it| it.source)),
    }
}

#[test]
fn every_coding_rate_and_layout_gives_the_sound_at_its_times() {
    let folder = TempDir::new().unwrap();
    for coding in [Coding::Alaw, Coding::Mulaw, Coding::Linear] {
        for (rate, channels) in [(8_000, 1), (8_000, 2), (16_000, 2), (11_025, 1)] {
            let said = Headerless { coding, rate, channels };
            let decoded =
                open(&raw(&folder, "billing-stereo.flac", said), said).unwrap_or_else(|error| panic!("{said:?}: {error}"));
            let facts = (
                decoded.source.format.name(),
                decoded.source.codec.as_str(),
                decoded.source.sample_rate,
                decoded.source.channels,
            );
            assert_eq!(facts, ("raw", coding.codec(), rate, channels), "{said:?}");
            assert_eq!((decoded.source.duration, decoded.damaged_packets), (Millis(20_000), 0), "{said:?}");
            // The same sound as a file with a header, before encoding.
            let (path, options) = (folder.path().join("whole.wav"), (rate.to_string(), channels.to_string()));
            ffmpeg(&fixture("billing-stereo.flac"), &["-t", "20", "-ar", &options.0, "-ac", &options.1], &path);
            let whole = decode(&path, &DecodeLimits::default(), &JobContext::detached()).unwrap();
            for (channel, reference) in decoded.channels.iter().zip(&whole.channels) {
                let (delay, likeness) = alignment(&reference.read(0..160_000).unwrap(), &channel.read(0..160_000).unwrap(), 80);
                assert!(delay == 0 && likeness > 0.99, "{said:?}: {delay} samples late, alike by {likeness}");
            }
        }
    }
}

#[test]
fn a_header_counts_more_than_what_anybody_says() {
    for said in [ALAW, MULAW] {
        let decoded = open(&fixture("voicemail.flac"), said).unwrap();
        assert_eq!(decoded.source.format.name(), "flac");
    }
    // MP3 frames without a tag, and GSM frames.
    let folder = TempDir::new().unwrap();
    for (name, arguments, format) in [
        ("a.mp3", &["-t", "3", "-write_xing", "0", "-id3v2_version", "0", "-c:a", "libmp3lame"][..], "mp3"),
        ("a.gsm", &["-t", "3", "-c:a", "libgsm", "-ar", "8000", "-f", "gsm"], "gsm"),
    ] {
        let path = folder.path().join(name);
        ffmpeg(&fixture("voicemail.flac"), arguments, &path);
        assert_eq!(open(&path, MULAW).unwrap().source.format.name(), format, "{name}");
    }
}

#[test]
fn the_wrong_law_is_told_and_not_decoded() {
    let folder = TempDir::new().unwrap();
    for name in ["billing-stereo.flac", "conference-mono.flac", "support-mono.flac", "voicemail.flac", "hold-music.flac"] {
        for (written, said, heard) in [(ALAW, MULAW, "A-law"), (MULAW, ALAW, "µ-law")] {
            let path = raw(&folder, name, written);
            assert_eq!(open(&path, written).unwrap().source.format.name(), "raw", "{name}");
            let refused = open(&path, said).unwrap_err();
            assert!(matches!(&refused, DecodeError::Invalid { reason } if reason.ends_with(heard)), "{name}: {refused}");
        }
    }
    let linear = Headerless { coding: Coding::Linear, rate: 8_000, channels: 1 };
    let path = folder.path().join("low.s16");
    ffmpeg(&fixture("voicemail.flac"), &["-ar", "8000", "-f", "s16le"], &path);
    let refused = open(&path, linear).unwrap_err();
    assert!(matches!(&refused, DecodeError::Invalid { reason } if reason.ends_with("the low byte first")), "{refused}");
}

#[test]
fn what_is_no_sound_is_refused_by_what_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("call.al");
    let mut state = 7_u64;
    let random: Vec<u8> = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    let text = "Dear customer, your call is important to us.\n".repeat(400).into_bytes();
    let known = [(&b"%PDF-1.7\n"[..], "pdf"), (b"PK\x03\x04", "zip"), (b"\x1F\x8B\x08", "gzip"), (b"", "text")];
    for said in [ALAW, MULAW] {
        for (magic, name) in known {
            let bytes = if name == "text" { text.clone() } else { [magic, &random].concat() };
            std::fs::write(&path, bytes).unwrap();
            let refused = open(&path, said).unwrap_err();
            assert!(matches!(&refused, DecodeError::Unsupported { format } if format == name), "{name}: {refused}");
        }
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        // Random bytes, part of a program, and floating-point samples.
        for (name, bytes) in [("random", random.clone()), ("program", program[500_001..800_000].to_vec())] {
            std::fs::write(&path, bytes).unwrap();
            let refused = open(&path, said).unwrap_err();
            assert!(matches!(&refused, DecodeError::Invalid { reason } if reason.ends_with("is no sound")), "{name}: {refused}");
        }
        ffmpeg(&fixture("voicemail.flac"), &["-ar", "8000", "-f", "f32le"], &path);
        assert!(matches!(open(&path, said), Err(DecodeError::Invalid { .. })));
        std::fs::write(&path, [0xD5; 50]).unwrap();
        assert!(matches!(open(&path, said), Err(DecodeError::Invalid { .. })));
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(open(&path, said), Err(DecodeError::Empty)));
    }
}

#[test]
fn silence_soft_noise_and_tones_are_believed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("made");
    for source in ["anullsrc", "sine=f=425", "sine=f=2100", "anoisesrc=a=0.01", "sine=f=3300"] {
        for (container, said) in [("alaw", ALAW), ("mulaw", MULAW)] {
            let arguments = [
                "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", "5", "-ar", "8000", "-ac", "1", "-f",
                container,
            ];
            let mut all = arguments.to_vec();
            all.push(super::support::sound::text(&path));
            super::support::sound::run("ffmpeg", &all);
            let decoded = open(&path, said).unwrap_or_else(|error| panic!("{source} {container}: {error}"));
            assert_eq!(decoded.source.duration, Millis(5_000), "{source} {container}");
        }
    }
}
