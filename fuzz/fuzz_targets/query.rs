//! The parameters of `GET /jobs`: a page is asked for, or every mistake is told.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::api::fuzzing::query(text));
