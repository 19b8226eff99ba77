//! The text messages of a WebSocket: a command is understood, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::api::fuzzing::message(text));
