//! Any bytes as a Whisper model in ggml format, without its weights: its dimensions, or the reason why it is refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::models::fuzzing::ggml(data));
