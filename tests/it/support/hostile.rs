//! Recordings with parts that a demuxer would hold in memory: tables, tags and blocks of any size.
//!
//! Each is made from a small recording that ffmpeg wrote, or by hand. Numbers of entries are chosen so that the demuxers alone need
//! far more than the bound for them.

use std::path::Path;

use super::audio::wav;
use super::sound::{ffmpeg, fixture};

/// Encodes the first second of a call; the name says the container.
pub fn second_of_a_call(folder: &Path, name: &str, arguments: &[&str]) -> Vec<u8> {
    let path = folder.join(name);
    let mut all = vec!["-t", "1"];
    all.extend(arguments);
    ffmpeg(&fixture("voicemail.flac"), &all, &path);
    std::fs::read(path).unwrap()
}

/// A box of MP4.
pub fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&(u32::try_from(body.len()).unwrap() + 8).to_be_bytes(), &kind[..], body].concat()
}

/// Offset of a box on the top level, and its length.
fn find_box(file: &[u8], kind: [u8; 4]) -> (usize, usize) {
    let mut at = 0;
    loop {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        if file[at + 4..at + 8] == kind {
            return (at, length);
        }
        at += length;
    }
}

/// A `moov` box with one more box inside.
fn moov_with(file: &[u8], more: &[u8]) -> Vec<u8> {
    let (at, length) = find_box(file, *b"moov");
    boxed(*b"moov", &[&file[at + 8..at + length], more].concat())
}

/// Metadata of MP4 with a list of these entries.
pub fn user_data(entries: &[u8]) -> Vec<u8> {
    boxed(*b"udta", &boxed(*b"meta", &[&[0; 4], &boxed(*b"ilst", entries)[..]].concat()))
}

fn comments(count: usize) -> Vec<u8> {
    boxed(*b"\xA9cmt", &boxed(*b"data", b"\0\0\0\x01\0\0\0\0x")).repeat(count)
}

/// An MP4 file, whose `moov` box is its last one, with this metadata in it.
pub fn mp4_with(file: &[u8], metadata: &[u8]) -> Vec<u8> {
    let (at, length) = find_box(file, *b"moov");
    assert_eq!(at + length, file.len());
    [&file[..at], &moov_with(file, metadata)].concat()
}

/// An MP4 file with this many comments.
pub fn mp4_with_comments(file: &[u8], count: usize) -> Vec<u8> {
    mp4_with(file, &user_data(&comments(count)))
}

/// An MP4 file with a second `moov` box that has this many comments.
pub fn mp4_with_second_moov(file: &[u8], count: usize) -> Vec<u8> {
    [file, &moov_with(file, &user_data(&comments(count)))].concat()
}

/// A fragmented MP4 file that ends with this many empty fragments.
pub fn mp4_with_fragments(file: &[u8], count: usize) -> Vec<u8> {
    [file, &boxed(*b"moof", &boxed(*b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 9])).repeat(count)].concat()
}

/// A fragmented MP4 file that ends with this many fragments, each with a sample of this length that lasts no time.
pub fn mp4_with_samples(file: &[u8], count: usize, length: u32) -> Vec<u8> {
    // The sample follows the head of `mdat`, behind the 76 bytes of `moof`.
    let run = [b"\0\0\x03\x01\0\0\0\x01\0\0\0\x54\0\0\0\0", &length.to_be_bytes()[..]].concat();
    let part = boxed(*b"traf", &[boxed(*b"tfhd", b"\0\x02\0\0\0\0\0\x01"), boxed(*b"trun", &run)].concat());
    let moof = boxed(*b"moof", &[boxed(*b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 9]), part].concat());
    assert_eq!(moof.len(), 76);
    [file, &[moof, boxed(*b"mdat", &vec![0; length as usize])].concat().repeat(count)].concat()
}

/// An element of Matroska with a size field of eight bytes.
pub fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    [id, &(body.len() as u64 | 1 << 56).to_be_bytes(), body].concat()
}

/// A Matroska file with one more element at the beginning of its segment.
pub fn matroska_with(file: &[u8], more: &[u8]) -> Vec<u8> {
    let segment = file.windows(4).position(|id| id == b"\x18\x53\x80\x67").unwrap();
    let open = b"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    [&file[..segment + 4], open, more, &file[segment + 12..]].concat()
}

/// Matroska's tags, all empty.
pub fn empty_tags(count: usize) -> Vec<u8> {
    element(b"\x12\x54\xC3\x67", &b"\x73\x73\x80".repeat(count))
}

/// A Matroska file that ends with a block of this many bytes.
pub fn matroska_with_block(file: &[u8], length: usize) -> Vec<u8> {
    let block = [b"\x81\0\0\x80", &vec![0; length][..]].concat();
    let cluster = element(b"\x1F\x43\xB6\x75", &[&b"\xE7\x81\x63"[..], &element(b"\xA3", &block)].concat());
    [matroska_with(file, &[]), cluster].concat()
}

/// A CAF file of AAC whose packet table has this many packets of one byte.
pub fn caf_with_packets(count: usize) -> Vec<u8> {
    let description = b"\x40\xCF\x40\0\0\0\0\0aac \0\0\0\x02\0\0\0\0\0\0\x04\0\0\0\0\x01\0\0\0\0";
    let mut table = (count as u64).to_be_bytes().to_vec();
    table.extend([0; 16]);
    table.extend(vec![1; count]);
    [&b"caff\0\x01\0\0"[..], &chunk(*b"desc", description), &chunk(*b"pakt", &table), &chunk(*b"data", &[0; 64])].concat()
}

/// A tenth of a second of silence at a rate that has nothing in common with 16 kHz.
pub fn odd_wav(rate: u32, channels: u16) -> Vec<u8> {
    wav(rate, channels, &vec![0; rate as usize / 10 * usize::from(channels)])
}

/// A chunk of CAF.
pub fn chunk(id: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&id[..], &(body.len() as u64).to_be_bytes(), body].concat()
}

/// An AIFF file with more chunks before its own.
pub fn aiff_with(file: &[u8], more: &[u8]) -> Vec<u8> {
    let size = u32::try_from(file.len() - 8 + more.len()).unwrap();
    [b"FORM", &size.to_be_bytes()[..], &file[8..12], more, &file[12..]].concat()
}

/// Annotations of AIFF with one letter each.
pub fn annotations(count: usize) -> Vec<u8> {
    b"ANNO\0\0\0\x01x\0".repeat(count)
}

/// Pages of Ogg with one packet.
pub fn ogg_packet(serial: u32, number: u32, flags: u8, packet: &[u8]) -> Vec<u8> {
    let mut lacing = vec![255; packet.len() / 255];
    lacing.push(u8::try_from(packet.len() % 255).unwrap());
    let (mut rest, mut pages) = (packet, Vec::new());
    for (index, segments) in lacing.chunks(255).enumerate() {
        let length = segments.iter().map(|&length| usize::from(length)).sum();
        let continued = u8::from(index > 0);
        let mut page = [b"OggS\0", &[flags | continued][..], &[0; 8], &serial.to_le_bytes()].concat();
        page.extend((number + u32::try_from(index).unwrap()).to_le_bytes());
        page.extend([0, 0, 0, 0, u8::try_from(segments.len()).unwrap()]);
        page.extend(segments);
        page.extend(&rest[..length]);
        rest = &rest[length..];
        let sum = ogg_sum(&page).to_le_bytes();
        page[22..26].copy_from_slice(&sum);
        pages.extend(page);
    }
    pages
}

fn ogg_sum(page: &[u8]) -> u32 {
    page.iter().fold(0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| if sum >> 31 == 0 { sum << 1 } else { sum << 1 ^ 0x04C1_1DB7 })
    })
}

/// The pages of an Ogg file.
fn ogg_pages(mut file: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    while !file.is_empty() {
        let count = usize::from(file[26]);
        let length = 27 + count + file[27..27 + count].iter().map(|&length| usize::from(length)).sum::<usize>();
        pages.push(&file[..length]);
        file = &file[length..];
    }
    pages
}

fn serial_of(page: &[u8]) -> u32 {
    u32::from_le_bytes(page[14..18].try_into().unwrap())
}

/// Comments in the form of Vorbis.
pub fn vorbis_comments(comments: &[&[u8]]) -> Vec<u8> {
    let mut all = vec![0; 4];
    all.extend(u32::try_from(comments.len()).unwrap().to_le_bytes());
    for comment in comments {
        all.extend(u32::try_from(comment.len()).unwrap().to_le_bytes());
        all.extend(*comment);
    }
    all
}

/// An Ogg Opus file of one second with other comments.
pub fn opus_with(file: &[u8], comments: &[&[u8]]) -> Vec<u8> {
    let pages = ogg_pages(file);
    let header = [b"OpusTags", &vorbis_comments(comments)[..]].concat();
    [pages[0], &ogg_packet(serial_of(pages[0]), 1, 0, &header), &pages[2..].concat()].concat()
}

/// An Ogg Opus file that begins with this many streams of something else.
pub fn opus_with_streams(file: &[u8], count: u32) -> Vec<u8> {
    let pages = ogg_pages(file);
    let head = b"fishead\0\x03\0\0\0";
    let streams: Vec<u8> = (0..count).flat_map(|serial| ogg_packet(serial ^ 0x5A5A_5A5A, 0, 2, head)).collect();
    [pages[0], &streams, &pages[1..].concat()].concat()
}

/// An Ogg Vorbis file whose setup header has this many codebooks, each of 20 bytes and with a table of 16 MiB.
pub fn vorbis_with_codebooks(count: u8) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |value: u64, width: u32| bits.extend((0..width).map(|bit| value >> bit & 1 == 1));
    put(u64::from(count) - 1, 8);
    for _ in 0..count {
        // 32 dimensions, and 2^17 entries with codes of 17 bits; the one value of all vectors is zero.
        put(0x56_4342, 24);
        put(32, 16);
        put(1 << 17, 24);
        put(1, 1);
        put(16, 5);
        put(1 << 17, 18);
        put(1, 4);
        put(0, 64);
        put(0, 6);
    }
    let setup: Vec<u8> = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect();
    [
        ogg_packet(1, 0, 2, b"\x01vorbis\0\0\0\0\x01\x80\x3E\0\0\0\0\0\0\0\x7D\0\0\0\0\0\0\xB8\x01"),
        ogg_packet(1, 1, 0, &[b"\x03vorbis", &vorbis_comments(&[])[..], b"\x01"].concat()),
        ogg_packet(1, 2, 0, &[b"\x05vorbis", &setup[..]].concat()),
        ogg_packet(1, 3, 4, &[0; 64]),
    ]
    .concat()
}
