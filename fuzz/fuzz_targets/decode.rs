//! Any bytes as a recording, with and without a declared format: the result is audio or an error, within the limits.
#![no_main]

use callannotate::media::{Coding, Headerless};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((word, bytes)) = data.split_first() else { return };
    let declared = |coding| Headerless { coding, rate: 8_000, channels: 1 + u16::from(word >> 4 & 3) };
    let declared = [None, Some(declared(Coding::Alaw)), Some(declared(Coding::Mulaw)), Some(declared(Coding::Linear))]
        [usize::from(word & 3)];
    callannotate_fuzz::recording(bytes, declared);
});
