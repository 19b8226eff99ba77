//! Any bytes as a PyTorch checkpoint, and as the pickle of one: tensors or a reason, and nothing is run.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::models::import::fuzzing::checkpoint(data));
