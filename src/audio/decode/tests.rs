//! Hostile, damaged and unusual files, built byte by byte; each must end in success or the right error.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;
use crate::stop::{StopReason, StopSignal};

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn run(bytes: &[u8]) -> (Result<SourceInfo, DecodeError>, Result<Recording, DecodeError>) {
    let file = file(bytes);
    let limits = DecodeLimits::default();
    (probe(file.path(), &limits), decode(file.path(), &limits, &JobContext::detached()))
}

/// A WAV file of 16-bit samples; `size` is what its data chunk claims to hold.
fn wav(rate: u32, channels: u16, samples: usize, size: Option<u32>) -> Vec<u8> {
    let bytes: Vec<u8> = (0..samples * usize::from(channels))
        .flat_map(|index| (((index as f32 * 0.05).sin() * 9_000.0) as i16).to_le_bytes())
        .collect();
    let size = size.unwrap_or(bytes.len() as u32);
    let block = channels.wrapping_mul(2);
    let mut file = b"RIFF".to_vec();
    file.extend(size.wrapping_add(36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(bytes);
    file
}

fn flac_fixture() -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls/voicemail.flac")).unwrap()
}

fn boxed(kind: [u8; 4], size: u32, body: &[u8]) -> Vec<u8> {
    [&size.to_be_bytes()[..], &kind, body].concat()
}

#[test]
fn wrong_wav_sizes_change_nothing() {
    for size in [Some(u32::MAX), Some(0), Some(u32::MAX - 7), None] {
        let (probed, decoded) = run(&wav(8_000, 2, 8_000, size));
        assert_eq!(probed.unwrap().duration, Millis(1_000), "{size:?}");
        let decoded = decoded.unwrap();
        assert_eq!(decoded.channels.len(), 2);
        assert_eq!(decoded.channels[1].len(), 16_000);
    }
}

#[test]
fn a_wav_that_was_cut_off_gives_what_is_there() {
    let whole = wav(16_000, 1, 16_000, None);
    let (probed, decoded) = run(&whole[..=whole.len() / 2]);
    assert!(probed.unwrap().duration.0.abs_diff(500) < 5);
    assert!(decoded.unwrap().source.duration.0.abs_diff(500) < 5);
}

#[test]
fn a_flac_that_was_cut_off_gives_what_is_there() {
    let whole = flac_fixture();
    let (probed, decoded) = run(&whole[..whole.len() / 2]);
    let (probed, decoded) = (probed.unwrap().duration, decoded.unwrap().source.duration);
    assert!(decoded > Millis(1_000));
    assert!(probed.0.abs_diff(decoded.0) < 600, "{probed:?} {decoded:?}");
}

#[test]
fn damage_in_the_middle_costs_a_packet_and_moves_nothing() {
    let mut bytes = flac_fixture();
    let whole = run(&bytes).1.unwrap().source.duration;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xAA);
    let decoded = run(&bytes).1.unwrap();
    assert!(decoded.source.duration <= whole);
    assert!(whole.0 - decoded.source.duration.0 < 1_500, "{:?}", decoded.source.duration);
}

#[test]
fn nothing_is_empty() {
    for bytes in [Vec::new(), wav(8_000, 1, 0, None)] {
        let (probed, decoded) = run(&bytes);
        assert!(matches!(probed, Err(DecodeError::Empty)), "{probed:?}");
        assert!(matches!(decoded, Err(DecodeError::Empty)), "{decoded:?}");
    }
}

#[test]
fn impossible_rates_and_channels_are_refused() {
    for (rate, channels) in
        [(0, 1), (999, 1), (800_000, 1), (u32::MAX, 1), (767_999, 1), (47_999, 16), (8_000, 0), (8_000, 17), (8_000, u16::MAX)]
    {
        let (probed, decoded) = run(&wav(rate, channels, 100, Some(20_000_000)));
        assert!(matches!(probed, Err(DecodeError::Invalid { .. })), "{rate} {channels}: {probed:?}");
        assert!(matches!(decoded, Err(DecodeError::Invalid { .. })), "{rate} {channels}: {decoded:?}");
    }
}

#[test]
fn formats_that_are_no_recording_are_named() {
    for (bytes, name) in [
        (&b"PK\x03\x04aaaaaaaaaaaaaaaaaaaa"[..], "zip"),
        (b"%PDF-1.4 aaaaaaaaaaaaaaaaaa", "pdf"),
        (b"just some text, sent by mistake", "text"),
        (b"NIST_1A\n   1024\nchannel_count -i 2\n", "sphere"),
        (b"#!AMR\n\x3c\x91\x17\x16\xbe\x66", "amr"),
        (b"\x0B\x77\x12\x34\x00\x00", "ac3"),
        (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9", "wma"),
        (b"MThd\0\0\0\x06\0\x01", "midi"),
    ] {
        let (probed, decoded) = run(bytes);
        assert!(matches!(probed, Err(DecodeError::Unsupported { format }) if format == name), "{name}");
        assert!(matches!(decoded, Err(DecodeError::Unsupported { format }) if format == name), "{name}");
    }
}

#[test]
fn inconsistent_structures_are_invalid_and_take_no_memory() {
    let mut flac = b"fLaC\0\0\0\x22".to_vec();
    flac.extend([0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0xC4, 0x42, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF]);
    flac.extend([0; 16]);
    flac.extend(b"\x86\xFF\xFF\xFF");
    let mut giant = boxed(*b"ftyp", 16, b"M4A \0\0\0\0");
    giant.extend(boxed(*b"moov", u32::MAX, &boxed(*b"trak", u32::MAX - 8, &boxed(*b"stsz", u32::MAX, &[0xFF; 64]))));
    let mut wide = boxed(*b"ftyp", 16, b"M4A \0\0\0\0");
    wide.extend([&1_u32.to_be_bytes()[..], b"moov", &u64::MAX.to_be_bytes()].concat());
    let mut tag = b"ID3\x04\0\0\x7F\x7F\x7F\x7F".to_vec();
    tag.extend([0; 500]);
    let mut ogg = b"OggS\0\x02".to_vec();
    ogg.extend([0; 20]);
    ogg.extend([1, 19]);
    ogg.extend(b"OpusHead\x01\x01\x38\x01\x80\xBB\0\0\0\0\0");
    let caf = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\0lpcm\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec();
    let mut matroska = vec![0x1A, 0x45, 0xDF, 0xA3, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE];
    matroska.extend([0xFF; 200]);
    for (name, bytes) in
        [("flac", flac), ("giant", giant), ("wide", wide), ("tag", tag), ("ogg", ogg), ("caf", caf), ("mkv", matroska)]
    {
        let (probed, decoded) = run(&bytes);
        assert!(matches!(probed, Err(DecodeError::Invalid { .. } | DecodeError::Unsupported { .. })), "{name}: {probed:?}");
        assert!(matches!(decoded, Err(DecodeError::Invalid { .. } | DecodeError::Unsupported { .. })), "{name}: {decoded:?}");
    }
}

#[test]
fn a_long_recording_is_refused_by_both() {
    let file = file(&wav(8_000, 2, 80_000, None));
    let short = DecodeLimits { max_duration: Millis(9_000), ..DecodeLimits::default() };
    let narrow = DecodeLimits { max_decoded_bytes: 9 * 16_000 * 2 * 2, ..DecodeLimits::default() };
    for limits in [short, narrow] {
        for error in [probe(file.path(), &limits).err(), decode(file.path(), &limits, &JobContext::detached()).err()] {
            assert!(matches!(error, Some(DecodeError::TooLong { limit: Millis(9_000) })), "{error:?}");
        }
    }
}

#[test]
fn a_missing_file_is_a_read_error() {
    let error = probe(Path::new("/nonexistent/recording"), &DecodeLimits::default());
    assert!(matches!(error, Err(DecodeError::Read(_))));
}

#[test]
fn a_stopped_job_stops_and_a_running_one_reports_progress() {
    let file = file(&wav(8_000, 1, 400_000, None));
    let stop = StopSignal::new();
    let seen = Arc::new(AtomicU8::new(0));
    let (raised, reported) = (stop.clone(), Arc::clone(&seen));
    let ctx = JobContext::new(
        stop,
        Arc::new(move |_, percent| {
            reported.store(percent, Ordering::Relaxed);
            if percent >= 30 {
                raised.raise(StopReason::Cancelled);
            }
        }),
    );
    let stopped = decode(file.path(), &DecodeLimits::default(), &ctx);
    assert!(matches!(stopped, Err(DecodeError::Stopped(_))));
    assert!((30..90).contains(&seen.load(Ordering::Relaxed)));
}

/// File beginnings that reach each demuxer.
fn seeds() -> Vec<Vec<u8>> {
    let flac = flac_fixture();
    let mut mp3 = Vec::new();
    for _ in 0..6 {
        mp3.extend([0xFF, 0xF3, 0x80, 0xC4]);
        mp3.resize(mp3.len().next_multiple_of(208), 0);
    }
    vec![
        wav(8_000, 1, 400, None),
        wav(44_100, 2, 400, Some(0)),
        flac[..6_000].to_vec(),
        mp3,
        b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\x38\x01\x80\xBB\0\0\0\0\0".to_vec(),
        [boxed(*b"ftyp", 16, b"M4A \0\0\0\0"), boxed(*b"moov", 108, &[0; 100])].concat(),
        b"FORM\0\0\0\x40AIFFCOMM\0\0\0\x12\0\x01\0\0\0\x04\0\x10\x40\x0B\xFA\0\0\0\0\0\0\0SSND\0\0\0\x10\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08".to_vec(),
        b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20\x40\xCF\x40\0\0\0\0\0lpcm\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\x10data\0\0\0\0\0\0\0\x0C\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08".to_vec(),
        vec![0x1A, 0x45, 0xDF, 0xA3, 0x84, 0x42, 0x86, 0x81, 0x01, 0x18, 0x53, 0x80, 0x67, 0xFF, 0x16, 0x54, 0xAE, 0x6B, 0x80],
        [0xFF, 0xF1, 0x60, 0x40, 0x04, 0x1F, 0xFC].repeat(40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let (probed, decoded) = run(&bytes);
        prop_assert!(!matches!(probed, Err(DecodeError::Read(_))));
        prop_assert!(!matches!(decoded, Err(DecodeError::Read(_))));
    }

    #[test]
    fn changed_files_never_panic(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = seed;
        for (place, value) in changes {
            // The first bytes matter most.
            let place = place.index(bytes.len().min(160));
            bytes[place] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (probed, decoded) = run(&bytes);
        prop_assert!(!matches!(probed, Err(DecodeError::Read(_))), "{probed:?}");
        prop_assert!(!matches!(decoded, Err(DecodeError::Read(_))), "{decoded:?}");
    }
}
