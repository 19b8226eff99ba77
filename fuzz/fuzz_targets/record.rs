//! A `job.json` with any content: a job, or the reason why it is not one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::volume::fuzzing::record(data));
