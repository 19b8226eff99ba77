//! Pages made by hand, and what is left of them.

use std::io::Write as _;

use super::*;

const SERIAL: [u8; 4] = [7, 0, 0, 0];

/// A packet on pages of its own, the first with these flags.
fn packet(serial: [u8; 4], number: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    let mut pages = Vec::new();
    Page::write_packet(serial, number, bytes, &mut pages);
    if flags != 0 {
        let length = Page::parse(&pages).unwrap().bytes().len();
        pages[5] |= flags;
        let sum = page::sum(&pages[..length]).to_le_bytes();
        pages[22..26].copy_from_slice(&sum);
    }
    pages
}

fn filtered(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let mut out = Vec::new();
    OggPages::new(file, 0).read_to_end(&mut out).map(|_| out)
}

fn opus(comment: &[u8], audio: &[Vec<u8>]) -> Vec<u8> {
    [packet(SERIAL, 0, 2, b"OpusHead..........."), packet(SERIAL, 1, 0, comment), audio.concat()].concat()
}

#[test]
fn comments_are_emptied_and_audio_is_kept() {
    let audio: Vec<_> = (2..9).map(|number| packet(SERIAL, number, 0, &vec![number as u8; 40_000])).collect();
    let huge = [b"OpusTags".to_vec(), vec![0xAB; 3_000_000]].concat();
    let plain = opus(b"OpusTags\0\0\0\0\0\0\0\0", &audio);
    assert_eq!(filtered(&plain).unwrap(), plain);
    assert_eq!(filtered(&opus(&huge, &audio)).unwrap(), plain);
}

#[test]
fn junk_and_damaged_pages_are_passed_over() {
    let audio: Vec<_> = (2..9).map(|number| packet(SERIAL, number, 0, &[number as u8; 300])).collect();
    let mut damaged = audio.clone();
    damaged[3][40] ^= 1;
    let mut joined = opus(b"OpusTags\0\0\0\0\0\0\0\0", &damaged[..4]);
    joined.extend(vec![b'O'; 200_000]);
    joined.extend(damaged[4..].concat());
    let kept = [&audio[..3], &audio[4..]].concat();
    assert_eq!(filtered(&joined).unwrap(), opus(b"OpusTags\0\0\0\0\0\0\0\0", &kept));
}

#[test]
fn setup_headers_are_kept_once_and_bounded() {
    let setup = [b"\x05vorbis".to_vec(), vec![1; 100_000]].concat();
    let head = packet(SERIAL, 0, 2, b"\x01vorbis.......................");
    let empty = packet(SERIAL, 1, 0, b"\x03vorbis\0\0\0\0\0\0\0\0\x01");
    let audio = packet(SERIAL, 9, 0, &[0; 500]);
    let kept = [head.clone(), empty.clone(), packet(SERIAL, 2, 0, &setup), audio.clone()].concat();
    let comment = packet(SERIAL, 1, 0, b"\x03vorbis and much more");
    let all = [&head, &comment, &comment, &packet(SERIAL, 2, 0, &setup), &packet(SERIAL, 4, 0, &setup), &audio, &comment];
    assert_eq!(filtered(&all.map(Clone::clone).concat()).unwrap(), kept);
    let giant = [b"\x05vorbis".to_vec(), vec![1; 300_000]].concat();
    assert!(filtered(&[head, empty, packet(SERIAL, 2, 0, &giant)].concat()).is_err());
}

#[test]
fn blocks_of_metadata_in_flac_are_dropped() {
    let head = packet(SERIAL, 0, 2, b"\x7FFLAC and so on");
    let audio = [packet(SERIAL, 3, 0, &[0xFF; 70]), packet(SERIAL, 4, 0, &[0xFF; 70])].concat();
    let blocks = [packet(SERIAL, 1, 0, b"\x04comment"), packet(SERIAL, 2, 0, &vec![6; 400_000])].concat();
    let all = [head.clone(), blocks.clone(), audio.clone(), blocks].concat();
    assert_eq!(filtered(&all).unwrap(), [head, audio].concat());
}

#[test]
fn audio_on_the_page_of_a_header_is_kept() {
    // Two packets on one page: the comment and a packet of audio.
    let mut page = packet(SERIAL, 1, 0, b"OpusTags\0\0\0\0\0\0\0\0");
    page[26] = 2;
    page.insert(28, 3);
    page.extend(b"abc");
    let sum = page::sum(&page).to_le_bytes();
    page[22..26].copy_from_slice(&sum);
    let head = packet(SERIAL, 0, 2, b"OpusHead...........");
    let kept = opus(b"OpusTags\0\0\0\0\0\0\0\0", &[packet(SERIAL, 1, 0, b"abc")]);
    assert_eq!(filtered(&[head, page].concat()).unwrap(), kept);
}

#[test]
fn no_more_streams_than_any_recording_has_are_kept() {
    let firsts: Vec<_> = (0..100).map(|serial| packet([serial, 0, 0, 1], 0, 2, b"OpusHead...........")).collect();
    assert_eq!(filtered(&firsts.concat()).unwrap(), firsts[..16].concat());
}
