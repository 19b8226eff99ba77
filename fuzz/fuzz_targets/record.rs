//! Any bytes as a `job.json` on the volume: a job, or the reason why it is invalid.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::volume::fuzzing::record(data));
