//! The specification's own clients, unmodified, against a real server.

use std::path::Path;
use std::process::Command;

use super::support::models;

#[test]
fn the_clients_of_the_specification_run_unmodified() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: `make test` sets it up", python.display());
    let Some(models) = models::defaults() else { return };
    // They use port 8000, which is always free in a separate network namespace. Most containers forbid one; there the port must be free.
    let isolated = [&["--net"][..], &["--map-root-user", "--net"][..]]
        .into_iter()
        .find(|options| Command::new("unshare").args(*options).arg("true").output().is_ok_and(|output| output.status.success()));
    let script = root.join("tests/clients/run-seed-clients.sh");
    let mut command = match isolated {
        Some(options) => {
            let mut command = Command::new("unshare");
            command.args(options).arg(script);
            command
        }
        None => Command::new(script),
    };
    let output = command.arg(env!("CARGO_BIN_EXE_callannotate")).arg(models).arg(python).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.ends_with("seed clients: ok\n"), "{text}\n{errors}");
}
