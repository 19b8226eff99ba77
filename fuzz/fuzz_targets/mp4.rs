//! Files of MP4, M4A and MOV: audio or an error, within the limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate_fuzz::recording(data, None));
