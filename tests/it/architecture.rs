//! Who may import whom, as `docs/architecture.md` has it, and which file alone may name which library.

use std::path::{Path, PathBuf};

/// For each module: the modules of ours that it may name.
const IMPORTS: [(&str, &[&str]); 30] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "app",
            "annotate",
            "access",
            "audio",
            "clock",
            "config",
            "context",
            "http",
            "jobs",
            "models",
            "pipeline",
            "stop",
            "telemetry",
            "volume",
        ],
    ),
    (
        "app",
        &[
            "access",
            "audio",
            "clock",
            "config",
            "engine",
            "housekeeping",
            "http",
            "inbox",
            "intake",
            "jobs",
            "lifecycle",
            "pipeline",
            "stop",
            "volume",
            "worker",
        ],
    ),
    ("http", &["access", "annotate", "audio", "clock", "engine", "intake", "jobs", "lifecycle", "messages"]),
    ("inbox", &["clock", "intake", "jobs", "lifecycle", "volume"]),
    ("intake", &["access", "audio", "engine", "jobs", "lifecycle", "messages", "volume"]),
    ("housekeeping", &["clock", "jobs", "lifecycle"]),
    ("worker", &["annotate", "checkpoints", "context", "engine", "jobs", "lifecycle", "pipeline", "stop", "volume"]),
    ("lifecycle", &["access", "checkpoints", "clock", "context", "jobs", "scratch", "stop", "volume"]),
    ("engine", &["annotate", "context", "jobs", "models", "pipeline"]),
    (
        "pipeline",
        &[
            "inference",
            "annotate",
            "audio",
            "config",
            "context",
            "diarize",
            "engine",
            "jobs",
            "models",
            "recognize",
            "stop",
            "transcribe",
            "voiceprint",
        ],
    ),
    ("diarize", &["audio", "checkpoints", "context", "inference", "jobs", "models", "stop", "voiceprint"]),
    ("transcribe", &["audio", "checkpoints", "context", "jobs", "models", "stop"]),
    ("recognize", &["context", "models", "voiceprint"]),
    ("annotate", &["audio", "diarize", "jobs", "models", "recognize", "transcribe"]),
    ("voiceprint", &["audio", "inference", "models", "scratch"]),
    ("inference", &[]),
    ("audio", &["context", "jobs", "scratch", "stop"]),
    ("context", &["checkpoints", "jobs", "scratch", "stop"]),
    ("checkpoints", &[]),
    ("scratch", &[]),
    ("volume", &["access", "clock", "jobs", "scratch"]),
    ("jobs", &["access"]),
    ("messages", &[]),
    ("models", &[]),
    ("config", &["access", "audio", "jobs", "messages", "models", "volume"]),
    ("telemetry", &["clock"]),
    ("access", &[]),
    ("stop", &[]),
    ("clock", &[]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().display().to_string()
}

/// The code without its tests and comments.
fn code(text: &str) -> String {
    let without_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    without_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = relative(&path);
        let module = name.split(['/', '.']).next().unwrap().to_owned();
        if module == "lib" {
            continue;
        }
        let (_, allowed) =
            IMPORTS.iter().find(|(known, _)| *known == module).unwrap_or_else(|| panic!("{module} is not in the table"));
        let code = code(&text);
        let named = code.split("crate::").skip(1).flat_map(|rest| {
            let rest = rest.trim_start();
            match rest.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap_or_default().split(',').map(first_word).collect::<Vec<_>>(),
                None => vec![first_word(rest)],
            }
        });
        for other in named {
            let is_module = IMPORTS.iter().any(|(known, _)| *known == other);
            if is_module && other != module && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{name} names crate::{other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn each_library_is_named_where_the_table_says_alone() {
    let only: [(&str, &[&str]); 8] = [
        ("axum::", &["http/"]),
        (
            "StatusCode::",
            &[
                "http/audio.rs",
                "http/error/",
                "http/events.rs",
                "http/fallback.rs",
                "http/health.rs",
                "http/jobs.rs",
                "http/upload.rs",
            ],
        ),
        ("whisper_rs", &["transcribe/whisper.rs", "transcribe/callbacks.rs"]),
        ("symphonia", &["audio/decode"]),
        ("nnnoiseless", &["audio/denoise.rs"]),
        ("rten::", &["inference.rs", "inference/"]),
        ("rten_gemm", &["inference/trunk/"]),
        ("rten_simd", &["inference/trunk/"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = relative(&path);
        for (library, places) in only {
            if code(&text).contains(library) && !places.iter().any(|place| name.starts_with(place)) {
                wrong.push(format!("{name} names {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_opens_with_what_it_is_for_and_stays_short() {
    for (path, text) in sources() {
        let name = relative(&path);
        assert!(text.starts_with("//!"), "{name} has no module doc");
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines");
    }
}
