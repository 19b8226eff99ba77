//! Recordings with pictures of several megabytes, as music programs write them: they decode to what they decode to without.

use std::io::Write as _;

use super::support::hostile::*;
use callannotate::audio::decode::{DecodeLimits, decode, probe};
use callannotate::context::JobContext;

/// Something as large as a picture of a good camera.
fn picture() -> Vec<u8> {
    (0..8_000_000_u32).map(|index| (index.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect()
}

/// Duration in milliseconds as probed, and the samples.
fn decoded(bytes: &[u8]) -> (u64, Vec<f32>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let limits = DecodeLimits::default();
    let duration = probe(file.path(), &limits).unwrap().duration.0;
    let recording = decode(file.path(), &limits, &JobContext::detached()).unwrap();
    assert_eq!(recording.damaged_packets, 0);
    let channel = &recording.channels[0];
    (duration, channel.read(0..channel.len()).unwrap().into_owned())
}

fn same(plain: &[u8], covered: &[u8]) {
    let (plain, covered) = (decoded(plain), decoded(covered));
    assert!(plain.0.abs_diff(1_000) < 60, "{} ms", plain.0);
    assert!(plain == covered, "{} and {} ms", plain.0, covered.0);
}

#[test]
fn a_picture_in_mp4_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.m4a", &["-c:a", "aac"]);
    let cover = boxed(*b"covr", &boxed(*b"data", &[&b"\0\0\0\x0D\0\0\0\0"[..], &picture()].concat()));
    same(&base, &mp4_with(&base, &user_data(&cover)));
}

#[test]
fn a_picture_in_matroska_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.mka", &["-c:a", "libopus"]);
    let file = [element(b"\x46\x6E", b"cover.jpg"), element(b"\x46\x60", b"image/jpeg"), element(b"\x46\x5C", &picture())];
    let file = [&file.concat()[..], &element(b"\x46\xAE", b"\x01")].concat();
    same(&base, &matroska_with(&base, &element(b"\x19\x41\xA4\x69", &element(b"\x61\xA7", &file))));
}

#[test]
fn a_picture_in_ogg_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.opus", &["-c:a", "libopus"]);
    let picture = [&b"METADATA_BLOCK_PICTURE="[..], &vec![b'A'; 10_000_000]].concat();
    same(&base, &opus_with(&base, &[b"TITLE=A call", &picture]));
}

#[test]
fn a_picture_in_aiff_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.aiff", &["-c:a", "pcm_s16be"]);
    let picture = picture();
    let chunk = [b"ID3 ", &(picture.len() as u32).to_be_bytes()[..], &picture].concat();
    same(&base, &aiff_with(&base, &chunk));
}

#[test]
fn a_picture_in_flac_and_before_mp3_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let picture = picture();
    let flac = second_of_a_call(folder.path(), "base.flac", &["-c:a", "flac"]);
    // The picture is a block between the stream information and the other blocks.
    let block = [b"\x06", &(picture.len() as u32).to_be_bytes()[1..], &picture].concat();
    same(&flac, &[&flac[..42], &block, &flac[42..]].concat());
    let mp3 = second_of_a_call(folder.path(), "base.mp3", &["-c:a", "libmp3lame", "-id3v2_version", "0"]);
    let size: Vec<u8> = (0..4).rev().map(|place| (picture.len() >> (7 * place) & 0x7F) as u8).collect();
    same(&mp3, &[b"ID3\x03\0\0", &size[..], &picture, &mp3].concat());
}
