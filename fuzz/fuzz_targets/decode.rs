//! Any bytes as a recording, probed and decoded with and without a declared format: the result is audio or an error,
//! within the limits.
#![no_main]

use std::io::{Seek, Write};

use callannotate::audio::Audio;
use callannotate::audio::decode::{DecodeError, DecodeLimits, decode_as, probe_as};
use callannotate::media::{Coding, Headerless};
use callannotate::audio::time::Millis;
use callannotate::context::JobContext;

/// Half a minute of four channels; no input of a few kilobytes decodes to more unless it is a decompression bomb.
const LIMITS: DecodeLimits =
    DecodeLimits { max_duration: Millis(30_000), max_channels: 4, max_decoded_bytes: 4 << 20, max_memory_bytes: 4 << 20 };

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((word, bytes)) = data.split_first() else { return };
    let declared = |coding| Headerless { coding, rate: 8_000, channels: 1 + u16::from(word >> 4 & 3) };
    let declared = [None, Some(declared(Coding::Alaw)), Some(declared(Coding::Mulaw)), Some(declared(Coding::Linear))]
        [usize::from(word & 3)];
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("a temporary file can be written");
    let probed = probe_as(file.path(), declared, &LIMITS);
    let decoded = decode_as(file.path(), declared, &LIMITS, &JobContext::detached());
    assert!(!matches!(probed, Err(DecodeError::Read(_))), "{probed:?}");
    if let Ok(decoded) = decoded {
        let length = decoded.channels.first().map_or(0, Audio::len);
        assert!(decoded.channels.iter().all(|channel| channel.len() == length));
        assert!(Millis::from_sample(length) <= LIMITS.max_duration);
    }
});
