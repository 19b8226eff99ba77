//! Ways for the tests to make the engine fail on one recording; compiled with the feature `faults` alone.
//!
//! The variable `CALLANNOTATE_FAULTS` lists them, separated by commas: `abort-on-sha256:<hex>` aborts the process when the
//! transcription of the recording with this hash starts, `stall-on-sha256:<hex>` hangs there for ever. Other entries are
//! ignored.

/// Carries out the fault for this recording, if there is one.
pub(super) fn strike(sha256: &str) {
    let Ok(faults) = std::env::var("CALLANNOTATE_FAULTS") else { return };
    for fault in faults.split(',') {
        match fault.split_once(':') {
            Some(("abort-on-sha256", hash)) if hash == sha256 => std::process::abort(),
            Some(("stall-on-sha256", hash)) if hash == sha256 => loop {
                std::thread::park();
            },
            Some(_) | None => {}
        }
    }
}
