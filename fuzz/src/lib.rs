//! What the targets for recordings share: a file of any bytes is probed and decoded within the limits, and within a bound on memory
//! that is counted to the byte.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::io::{Seek, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use callannotate::audio::Audio;
use callannotate::audio::decode::{DecodeError, DecodeLimits, decode_as, probe_as};
use callannotate::audio::time::Millis;
use callannotate::context::JobContext;
use callannotate::media::Headerless;

/// Half a minute of four channels; no input of a few kilobytes decodes to more unless it is a decompression bomb.
const LIMITS: DecodeLimits =
    DecodeLimits { max_duration: Millis(30_000), max_channels: 4, max_decoded_bytes: 4 << 20, max_memory_bytes: 4 << 20 };

/// Most memory for one input, in bytes. Decoding may take 128 MiB, but no input of a few kilobytes has a reason to.
const MEMORY: usize = 48 << 20;

/// Counts the memory of the process.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether a backtrace is being written: it reads the program's symbols and keeps many of them.
static PAUSED: AtomicBool = AtomicBool::new(false);

fn add(bytes: usize) {
    if PAUSED.load(Ordering::Relaxed) {
        return;
    }
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

fn subtract(bytes: usize) {
    if !PAUSED.load(Ordering::Relaxed) {
        NOW.fetch_sub(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments that it was made with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        subtract(layout.size());
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        subtract(layout.size());
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Lets a panic pass in a library that reads files: the decoder contains it. Where a panic is said to be is not enough: an overflow in
/// a function of the standard library is there, whoever called it.
fn contain_panics_of_libraries() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ends_the_run = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PAUSED.store(true, Ordering::Relaxed);
            let contained = is_of_a_library(&Backtrace::force_capture().to_string());
            PAUSED.store(false, Ordering::Relaxed);
            if !contained {
                ends_the_run(panic);
            }
        }));
    });
}

/// Whether the first function below the panic itself that is not of the standard library is one of a library.
fn is_of_a_library(backtrace: &str) -> bool {
    let mut places = backtrace.lines().filter_map(|line| line.trim_start().strip_prefix("at "));
    let panicked = places.by_ref().any(|place| place.contains("/std/src/panicking.rs"));
    let caller = places.find(|place| !place.contains("/rustc/") && !place.contains("/rustlib/"));
    panicked && caller.is_some_and(|place| place.contains("/registry/src/"))
}

/// Probes and decodes a file: the result is audio or an error, within the limits.
///
/// # Panics
/// If it is not.
pub fn recording(bytes: &[u8], declared: Option<Headerless>) {
    contain_panics_of_libraries();
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("a temporary file can be written");
    let probed = probe_as(file.path(), declared, &LIMITS);
    let decoded = decode_as(file.path(), declared, &LIMITS, &JobContext::detached());
    assert!(!matches!(probed, Err(DecodeError::Read(_))), "{probed:?}");
    if let Ok(decoded) = decoded {
        let length = decoded.channels.first().map_or(0, Audio::len);
        assert!(decoded.channels.iter().all(|channel| channel.len() == length));
        assert!(Millis::from_sample(length) <= LIMITS.max_duration);
        for channel in &decoded.channels {
            let samples = channel.read(0..length).expect("it is in memory, or in a file that is there");
            assert!(samples.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        }
    }
    let needed = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(needed <= MEMORY, "{needed} bytes for a file of {}", bytes.len());
}

/// Makes the check sums of the pages of an Ogg file right: otherwise almost every change would make a page that nobody looks at.
#[must_use]
pub fn with_page_sums(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let mut at = 0;
    while let Some(begin) = file.get(at..).and_then(|rest| rest.windows(4).position(|four| four == b"OggS")) {
        at += begin;
        let Some(count) = file.get(at + 26).map(|&count| usize::from(count)) else { break };
        let Some(segments) = file.get(at + 27..at + 27 + count) else { break };
        let length = 27 + count + segments.iter().map(|&length| usize::from(length)).sum::<usize>();
        let Some(page) = file.get_mut(at..at + length) else { break };
        page[22..26].fill(0);
        let sum = page.iter().fold(0_u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| if sum >> 31 == 0 { sum << 1 } else { sum << 1 ^ 0x04C1_1DB7 })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at += length;
    }
    file
}
