//! Settings files that are made to harm: the start ends at once, with one line that names the file and what is wrong.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// Starts a server with this settings file, in a process that may have 512 MiB of addresses.
fn start(file: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 524288; exec \"$0\" serve", env!("CARGO_BIN_EXE_callannotate")]);
    command.env("CONFIG_PATH", file).env("VOLUME_PATH", file.with_extension("volume")).output().unwrap()
}

#[test]
fn a_settings_file_that_is_no_settings_file_ends_the_start_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{before}]").unwrap();
    }
    let deep_flow = format!("queue: {}", "[".repeat(100_000));
    let nested: Vec<String> = (0..400).map(|level| " ".repeat(level) + "a:\n").collect();
    let nested = nested.concat();
    let many = "- 1\n".repeat(60_000);
    let binary: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 % 256) as u8).collect();
    let key = format!("? [{}]\n: 1\n", "a, ".repeat(3_000));
    for (name, content, problem) in [
        ("bomb", bomb.as_bytes(), "an alias, which settings must not have, at line 2"),
        ("flow", deep_flow.as_bytes(), "recursion limit exceeded at byte 262 line 1"),
        ("nested", nested.as_bytes(), "values nested too deeply at line 9"),
        ("many", many.as_bytes(), "too many values at line"),
        ("huge", " ".repeat(300_000).as_bytes(), "it is larger than 262144 bytes"),
        ("binary", &binary, "valid UTF-8"),
        ("key", key.as_bytes(), "settings: Cannot parse Array("),
        ("text", b"queue: {", "which cannot be used: "),
    ] {
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, content).unwrap();
        let output = start(&file);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {error}");
        assert_eq!((error.lines().count(), output.stdout.len()), (1, 0), "{name}: {error}");
        assert!(error.contains(problem) && error.len() < 700, "{name}: {error}");
        assert!(name == "key" || error.contains(file.to_str().unwrap()), "{name}: {error}");
    }
}

#[test]
fn a_settings_file_without_end_is_read_up_to_its_bound() {
    let error = String::from_utf8(start(Path::new("/dev/zero")).stderr).unwrap();
    assert_eq!(error, "callannotate: CONFIG_PATH names /dev/zero, which cannot be read: it is larger than 262144 bytes\n");
}
