//! Ways for the tests to make the engine fail on one recording; compiled with the feature `faults` alone.
//!
//! The variable `CALLANNOTATE_FAULTS` lists them, separated by commas: `abort-on-sha256:<hex>` aborts the process when the
//! transcription of the recording with this hash starts, `stall-on-sha256:<hex>` hangs there for ever; `abort-on-load:<file>` and `abort-on-use:<file>`
//! abort it when the model file of this name is loaded, or first used by a stage. Other entries are ignored.

use std::path::{Path, PathBuf};

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

/// Carries out the fault for the loading of this model file, if there is one.
pub(super) fn strike_load(path: &Path) {
    strike_file("abort-on-load", path);
}

/// Carries out the fault for the first use of one of these model files, if there is one.
pub(super) fn strike_use(paths: &[PathBuf]) {
    for path in paths {
        strike_file("abort-on-use", path);
    }
}

fn strike_file(fault: &str, path: &Path) {
    let Ok(faults) = std::env::var("CALLANNOTATE_FAULTS") else { return };
    let strikes = |(name, file): (&str, &str)| name == fault && path.file_name().is_some_and(|name| name == file);
    if faults.split(',').filter_map(|entry| entry.split_once(':')).any(strikes) {
        std::process::abort();
    }
}
