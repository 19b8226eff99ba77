//! The `options` part of a request: accepted, or refused with a reason.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::api::fuzzing::options(data));
