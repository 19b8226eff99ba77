//! Recordings longer than memory: scratch files hold the same samples as memory would, are never read whole,
//! and an hour takes hardly more memory than ten minutes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use callannotate::audio::channels::plan;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::audio::{Audio, Recording, SignalError};
use callannotate::context::JobContext;
use callannotate::diarize::{Diarization, SpeakerCount, diarize_channels};
use callannotate::jobs::options::ChannelMode;
use callannotate::scratch::{Scratch, ScratchFile, ScratchSpace};
use tempfile::TempDir;

use super::support::audio::wav;
use super::support::diarizers::{Voice, call, with_segmentation, without_segmentation};

/// Every signal goes to a scratch file immediately.
const NOTHING_IN_MEMORY: DecodeLimits = DecodeLimits {
    max_duration: callannotate::audio::time::Millis(4 * 3_600_000),
    max_channels: 16,
    max_decoded_bytes: 2 << 30,
    max_memory_bytes: 0,
};

/// Scratch files in memory that record the largest read, and that may be full.
#[derive(Clone, Default)]
struct Space {
    most_read: Arc<AtomicUsize>,
    files: Arc<AtomicUsize>,
    full_after: Option<usize>,
}

struct SpaceFile {
    bytes: Mutex<Vec<u8>>,
    space: Space,
}

impl ScratchSpace for Space {
    fn has_room(&self, _: u64) -> bool {
        true
    }

    fn create(&self) -> io::Result<Box<dyn ScratchFile>> {
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(SpaceFile { bytes: Mutex::default(), space: self.clone() }))
    }
}

impl ScratchFile for SpaceFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if self.space.full_after.is_some_and(|most| all.len() + bytes.len() > most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        all.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.space.most_read.fetch_max(bytes.len(), Ordering::Relaxed);
        let all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(at).unwrap();
        bytes.copy_from_slice(all.get(at..at + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

fn samples(audio: &Audio) -> Vec<f32> {
    audio.read(0..audio.len()).unwrap().into_owned()
}

/// The channels of a sample call as 16-bit samples at 16 kHz.
fn channels_of(name: &str) -> Vec<Vec<i16>> {
    let recording = decode(&call(name), &DecodeLimits::default(), &JobContext::detached()).unwrap();
    let integers = |audio: &Audio| samples(audio).iter().map(|sample| (sample * 32_767.0) as i16).collect();
    recording.channels.iter().map(integers).collect()
}

/// A WAV file of these channels, repeated up to this length in seconds.
fn write(path: &Path, channels: &[Vec<i16>], seconds: usize) -> PathBuf {
    let samples: Vec<i16> =
        (0..seconds * 16_000).flat_map(|index| channels.iter().map(move |channel| channel[index % channel.len()])).collect();
    std::fs::write(path, wav(16_000, channels.len().try_into().unwrap(), &samples)).unwrap();
    path.to_path_buf()
}

fn open(path: &Path, limits: &DecodeLimits, space: &Space) -> Recording {
    decode(path, limits, &JobContext::detached().with_scratch(Scratch::new(space.clone()))).unwrap()
}

fn diarized(recording: Recording, voice: Voice, segmented: bool) -> Option<Diarization> {
    let mut diarizer = if segmented { with_segmentation(voice) } else { without_segmentation(voice) }?;
    let plan = plan(recording.channels, ChannelMode::Auto).unwrap();
    let signals: Vec<_> =
        plan.signals().iter().map(|signal| (signal.channel().map(|channel| channel as u16), &signal.audio)).collect();
    Some(diarize_channels(diarizer.as_mut(), &JobContext::detached(), &signals, SpeakerCount::UNKNOWN).unwrap())
}

#[test]
fn what_lies_in_files_is_what_would_lie_in_memory() {
    let folder = TempDir::new().unwrap();
    for name in ["billing-stereo.flac", "conference-mono.flac"] {
        let path = write(&folder.path().join("call.wav"), &channels_of(name), 70);
        let (inside, outside) = (Space::default(), Space::default());
        let in_memory = open(&path, &DecodeLimits::default(), &inside);
        let in_files = open(&path, &NOTHING_IN_MEMORY, &outside);
        let files = [&inside, &outside].map(|space| space.files.load(Ordering::Relaxed));
        assert_eq!(files, [0, in_files.channels.len()]);
        for (one, other) in in_memory.channels.iter().zip(&in_files.channels) {
            assert!(samples(one) == samples(other), "{name}");
        }
        outside.most_read.store(0, Ordering::Relaxed);
        assert_eq!(diarized(in_memory, Voice::BuiltIn, false), diarized(in_files, Voice::BuiltIn, false), "{name}");
        // A minute at 16 kHz takes 1.9 MB; the longest read is a window of ten seconds.
        let most = outside.most_read.load(Ordering::Relaxed);
        assert!(most <= 400_000, "{most} bytes were read at once");
    }
}

#[test]
fn the_segmentation_reads_files_as_it_reads_memory() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder.path().join("call.wav"), &channels_of("conference-mono.flac"), 30);
    let space = Space::default();
    let of = |limits: &DecodeLimits| diarized(open(&path, limits, &space), Voice::Ge2e, true);
    assert_eq!(of(&DecodeLimits::default()), of(&NOTHING_IN_MEMORY));
}

#[test]
fn what_is_beyond_full_scale_or_beside_zero_is_set_right_in_files_as_in_memory() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("loud.wav");
    // Floats at twice full scale with an offset of 0.1; two and a half blocks, the first one quiet.
    let loud = |index: usize| if index < 70_000 { 0.01 } else { 2.0 } * (index as f32 * 0.05).sin() + 0.1;
    let bytes: Vec<u8> = (0..160_000).flat_map(|index| loud(index).to_le_bytes()).collect();
    let size = u32::try_from(bytes.len()).unwrap();
    let header =
        [&b"RIFF"[..], &(size + 36).to_le_bytes(), b"WAVEfmt \x10\0\0\0\x03\0\x01\0\x80\x3E\0\0\0\xFA\0\0\x04\0\x20\0data"];
    std::fs::write(&path, [header.concat(), size.to_le_bytes().to_vec(), bytes].concat()).unwrap();
    for limits in [DecodeLimits::default(), NOTHING_IN_MEMORY] {
        let recording = open(&path, &limits, &Space::default());
        let samples = samples(&recording.channels[0]);
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let mean = samples.iter().sum::<f32>() / samples.len() as f32;
        assert!((0.999..=1.0).contains(&peak) && mean.abs() < 1e-3, "{peak} {mean}");
        let worst = (0..160_000).map(|index| (samples[index] - (loud(index) - 0.1) / 2.0).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-3, "{worst}");
        // Measured before any correction.
        assert!((recording.levels[0].peak - 2.0).abs() < 2e-3, "{}", recording.levels[0].peak);
    }
}

#[test]
fn a_full_disk_and_a_broken_one_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder.path().join("call.wav"), &[vec![1000, -1000]], 30);
    let space = Space { full_after: Some(500_000), ..Space::default() };
    let ctx = JobContext::detached().with_scratch(Scratch::new(space));
    let error = decode(&path, &NOTHING_IN_MEMORY, &ctx).unwrap_err();
    assert!(matches!(error, callannotate::audio::decode::DecodeError::Signal(SignalError::NoRoom)), "{error:?}");
}

/// The peak memory of `callannotate annotate` with the built-in models, in bytes.
fn peak_memory(recording: &Path) -> u64 {
    let volume = TempDir::new().unwrap();
    let measure = "import resource, subprocess, sys\n\
                   done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n\
                   print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
                   sys.exit(done)";
    let output = Command::new("python3")
        .args(["-c", measure, env!("CARGO_BIN_EXE_callannotate"), "annotate"])
        .arg(recording)
        .env("VOLUME_PATH", volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", volume.path())
        .env("TMPDIR", volume.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().unwrap() * 1024
}

#[test]
fn forty_minutes_take_hardly_more_memory_than_eight() {
    let folder = TempDir::new().unwrap();
    let call = channels_of("conference-mono.flac");
    let [short, long] = [8, 40].map(|minutes| peak_memory(&write(&folder.path().join("call.wav"), &call, minutes * 60)));
    // As 32-bit floats the samples of the long recording take 154 MB; those of the short one 31 MB, which fit in memory.
    assert!(long < short + 50_000_000, "{long} against {short} bytes");
}

/// Regression: two of four calls were taken for silence before hum was removed.
#[test]
fn hum_that_is_louder_than_the_voices_costs_nobody() {
    let folder = TempDir::new().unwrap();
    let hum = |index: usize| {
        let phase = index as f64 * 50.0 * std::f64::consts::TAU / 16_000.0;
        (3_200.0 * phase.sin() + 1_000.0 * (2.0 * phase).sin()) as i16
    };
    let mut channels = channels_of("billing-stereo.flac");
    for channel in &mut channels {
        channel.iter_mut().enumerate().for_each(|(index, sample)| *sample = sample.saturating_add(hum(index)));
    }
    let path = write(&folder.path().join("call.wav"), &channels, channels[0].len() / 16_000);
    for limits in [DecodeLimits::default(), NOTHING_IN_MEMORY] {
        let found = diarized(open(&path, &limits, &Space::default()), Voice::BuiltIn, false).unwrap();
        assert_eq!(found.speakers.iter().map(|speaker| speaker.channel).collect::<Vec<_>>(), [Some(0), Some(1)]);
    }
}
