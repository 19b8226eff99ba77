//! The text messages of a WebSocket: parsed as a command, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::http::fuzzing::message(text));
