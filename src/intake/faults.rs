//! A way for the tests to let the server die while it examines a recording; compiled with the feature `faults` alone.
//!
//! The variable `CALLANNOTATE_FAULTS` may hold `abort-on-probe-of:<bytes>`: the process aborts when it examines a file of this size.

/// Carries out the fault for a recording of this size, if there is one.
pub(super) fn strike(size: u64) {
    let Ok(faults) = std::env::var("CALLANNOTATE_FAULTS") else { return };
    let wanted = |fault: &str| fault.strip_prefix("abort-on-probe-of:").and_then(|bytes| bytes.parse().ok());
    if faults.split(',').filter_map(wanted).any(|bytes: u64| bytes == size) {
        std::process::abort();
    }
}
