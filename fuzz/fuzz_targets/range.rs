//! The `Range` header for a recording: a part within it, or the whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|request: (u64, &str)| callannotate::api::fuzzing::range(request.1, request.0));
