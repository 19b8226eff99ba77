//! Text messages on a WebSocket: a command is parsed or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| callannotate::api::fuzzing::message(text));
