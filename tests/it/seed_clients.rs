//! The specification's own clients, unmodified, against a real server.

use std::path::Path;
use std::process::Command;

use super::support::models;

#[test]
fn the_clients_of_the_specification_run_unmodified() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: `make test` sets it up", python.display());
    let Some(models) = models::folder_with_whisper() else { return };
    // They speak to port 8000; in a network of its own it is always free.
    let root_already = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let mut command = Command::new("unshare");
    if !root_already {
        command.arg("--map-root-user");
    }
    let output = command
        .arg("--net")
        .arg(root.join("tests/clients/run-seed-clients.sh"))
        .arg(env!("CARGO_BIN_EXE_callannotate"))
        .arg(models)
        .arg(python)
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.ends_with("seed clients: ok\n"), "{text}\n{errors}");
}
