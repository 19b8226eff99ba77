//! Files of MP1, MP2 and MP3, with tags: audio or an error, within the limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate_fuzz::recording(data, None));
