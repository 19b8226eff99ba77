//! The parameters of `GET /jobs`: accepted, or refused with all errors.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::http::fuzzing::query(text));
