//! `job.json` as somebody may have left it on the volume: a job, or a reason why it is none.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callannotate::volume::fuzzing::record(data));
