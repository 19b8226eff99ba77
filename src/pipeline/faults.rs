//! Ways for the tests to make the engine fail on one recording; compiled with the feature `faults` alone.
//!
//! The variable `CALLANNOTATE_FAULTS` names them, separated by commas: `abort-on-sha256:<hex>` ends the process when the
//! transcription of the recording with this hash begins, `stall-on-sha256:<hex>` never comes back from there. Others are not
//! this file's business.

/// Does what is to happen to this recording.
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
