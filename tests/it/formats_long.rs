//! Containers made for more than 4 GiB, and sizes that were never filled in.
//!
//! The giants are files with holes: they take no room, and a probe reads only their beginnings.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use super::support::sound::{fixture, run, text};
use callannotate::audio::decode::{DecodeError, DecodeLimits, decode, probe};
use callannotate::audio::time::Millis;
use callannotate::context::JobContext;
use callannotate::media::SourceInfo;
use tempfile::TempDir;

const GIB: u64 = 1 << 30;

/// 16 bits, two channels, 192 kHz: 5 GiB of it last 6990.5 s.
const FORMAT: [u8; 16] = [1, 0, 2, 0, 0x00, 0xEE, 2, 0, 0, 0xB8, 0x0B, 0, 4, 0, 16, 0];

fn giant(path: &Path, header: &[u8]) -> Result<SourceInfo, DecodeError> {
    let file = File::create(path).unwrap();
    file.write_all_at(header, 0).unwrap();
    file.set_len(header.len() as u64 + 5 * GIB).unwrap();
    probe(path, &DecodeLimits::default())
}

fn rf64(name: &[u8], data: u64) -> Vec<u8> {
    let mut header = [name, &[0xFF; 4], b"WAVEds64", &28_u32.to_le_bytes()].concat();
    header.extend((data + 80).to_le_bytes());
    header.extend(data.to_le_bytes());
    header.extend((data / 4).to_le_bytes());
    header.extend([0; 4]);
    header.extend([&b"fmt "[..], &16_u32.to_le_bytes(), &FORMAT, b"data", &[0xFF; 4]].concat());
    header
}

fn wave64(data: u64) -> Vec<u8> {
    let tail = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let mut header = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00".to_vec();
    header.extend((data + 104).to_le_bytes());
    header.extend([&b"wave"[..], &tail, b"fmt ", &tail, &40_u64.to_le_bytes(), &FORMAT].concat());
    header.extend([&b"data"[..], &tail, &(data.saturating_add(24)).to_le_bytes()].concat());
    header
}

#[test]
fn sizes_over_four_gigabytes_are_read_and_lies_about_them_are_not_believed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("giant");
    let whole = Millis(6_990_507);
    for data in [5 * GIB, 9 * GIB, 0, u64::MAX] {
        for (name, header) in [("RF64", rf64(b"RF64", data.min(u64::MAX - 80))), ("BW64", rf64(b"BW64", data.min(u64::MAX - 80)))]
        {
            let source = giant(&path, &header).unwrap_or_else(|error| panic!("{name} {data}: {error}"));
            assert_eq!((source.format.name(), source.duration, source.channels), ("wav", whole, 2), "{name} {data}");
        }
        let source = giant(&path, &wave64(data.min(u64::MAX - 104))).unwrap_or_else(|error| panic!("w64 {data}: {error}"));
        assert_eq!((source.format.name(), source.duration, source.channels), ("w64", whole, 2), "{data}");
    }
    // A size of what is less than the file is true: something else may stand behind it.
    assert_eq!(giant(&path, &wave64(3 * GIB)).unwrap().duration, Millis(4_194_304));
}

#[test]
fn what_is_piped_into_these_containers_has_its_whole_length() {
    let folder = TempDir::new().unwrap();
    for (name, container) in [("a.w64", "w64"), ("a.au", "au"), ("a.wav", "wav")] {
        let path = folder.path().join(name);
        let script = format!("ffmpeg -nostdin -v error -i \"$0\" -t 2 -f {container} - | cat > \"$1\"");
        run("sh", &["-c", &script, text(&fixture("voicemail.flac")), text(&path)]);
        let decoded = decode(&path, &DecodeLimits::default(), &JobContext::detached());
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoded.source.duration, Millis(2_000), "{name}");
        assert_eq!(probe(&path, &DecodeLimits::default()).unwrap().duration, Millis(2_000), "{name}");
    }
}

#[test]
fn headers_that_make_no_sense_are_invalid() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("broken");
    let au = |words: [u32; 5]| [&b".snd"[..], &words.map(u32::to_be_bytes).concat(), &[0; 400]].concat();
    let lost = wave64(100)[..60].to_vec();
    for (name, bytes) in [
        ("a header behind the end", au([5_000, 100, 1, 8_000, 1])),
        ("a header that begins within itself", au([4, 100, 1, 8_000, 1])),
        ("no rate", au([24, 100, 1, 0, 1])),
        ("no channels", au([24, 100, 1, 8_000, 0])),
        ("any number of channels", au([24, 100, 1, 8_000, u32::MAX])),
        ("a cut header", b".snd\0\0\0\x18".to_vec()),
        ("no samples", lost),
        ("endless sizes", [&wave64(0)[..40], &[0xFF; 64]].concat()),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let probed = probe(&path, &DecodeLimits::default());
        assert!(matches!(probed, Err(DecodeError::Invalid { .. })), "{name}: {probed:?}");
    }
    std::fs::write(&path, au([24, 100, 23, 8_000, 1])).unwrap();
    let probed = probe(&path, &DecodeLimits::default());
    assert!(matches!(&probed, Err(DecodeError::Unsupported { format }) if format == "adpcm_g726"), "{probed:?}");
    std::fs::write(&path, au([24, 0, 1, 8_000, 1])).unwrap();
    assert!(matches!(probe(&path, &DecodeLimits::default()), Err(DecodeError::Empty)));
}

#[test]
fn amr_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    for (name, rate, format) in [("a.amr-nb", "8000", "amr"), ("a.amr-wb", "16000", "amr-wb")] {
        let path = folder.path().join(name);
        // Where sox was built without the encoder there is nothing to refuse but the mark.
        let made =
            Command::new("sox").args([text(&fixture("voicemail.flac")), "-r", rate, text(&path), "trim", "0", "1"]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            let mark: &[u8] = if format == "amr" { b"#!AMR\n\x3C\x08" } else { b"#!AMR-WB\n\x3C\x08" };
            std::fs::write(&path, mark).unwrap();
        }
        let probed = probe(&path, &DecodeLimits::default());
        assert!(matches!(&probed, Err(DecodeError::Unsupported { format: found }) if found == format), "{name}: {probed:?}");
    }
}
