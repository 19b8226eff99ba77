//! The query parameters of `GET /jobs`: a page is returned, or every mistake is reported.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::api::fuzzing::query(text));
