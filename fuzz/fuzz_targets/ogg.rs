//! Files of Ogg with right check sums: audio or an error, within the limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate_fuzz::recording(&callannotate_fuzz::with_page_sums(data), None));
