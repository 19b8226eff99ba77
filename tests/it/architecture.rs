//! Which module may import which, which files may name a library, and no circle of files.
//!
//! The tables here are the rules and `docs/architecture.md` explains them. An entry that nothing needs is an error too, so that the
//! tables never allow more than the code does.

mod graph;
mod page;
mod source;
mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use graph::{Crate, circles};

/// For each module of `src`, the modules it may import: one row a module, one line a row. A name here that nothing imports fails.
#[rustfmt::skip]
const IMPORTS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["access", "api", "app", "audio", "clock", "config", "context", "document", "jobs", "media", "models", "pipeline", "plain_file", "stop", "telemetry", "volume"]),
    ("app", &["access", "api", "audio", "capabilities", "clock", "config", "engine", "housekeeping", "http", "inbox", "intake", "jobs", "lifecycle", "pipeline", "stop", "volume", "worker"]),
    ("api", &["access", "audio", "capabilities", "document", "http", "intake", "jobs", "lifecycle", "media", "messages"]),
    ("http", &["access", "checks", "clock", "jobs", "media", "messages", "tables"]),
    ("inbox", &["checks", "clock", "intake", "jobs", "lifecycle", "volume"]),
    ("intake", &["access", "audio", "background", "capabilities", "checks", "jobs", "lifecycle", "media", "volume"]),
    ("housekeeping", &["clock", "jobs", "lifecycle"]),
    ("worker", &["checkpoints", "context", "document", "engine", "jobs", "lifecycle", "pipeline", "stop", "volume"]),
    ("lifecycle", &["access", "checkpoints", "clock", "context", "jobs", "scratch", "stop", "volume"]),
    ("engine", &["background", "capabilities", "context", "document", "jobs", "pipeline", "redact"]),
    ("pipeline", &["annotate", "audio", "capabilities", "config", "context", "diarize", "document", "inference", "jobs", "media", "models", "recognize", "stop", "transcribe", "voiceprint"]),
    ("diarize", &["audio", "capabilities", "checkpoints", "context", "inference", "jobs", "stop", "voiceprint"]),
    ("transcribe", &["audio", "capabilities", "checkpoints", "context", "jobs", "models", "stop"]),
    ("recognize", &["capabilities", "plain_file", "voiceprint"]),
    ("annotate", &["audio", "diarize", "document", "jobs", "media", "recognize", "transcribe"]),
    ("document", &["jobs"]),
    ("voiceprint", &["audio", "capabilities", "inference", "scratch"]),
    ("inference", &["plain_file"]),
    ("audio", &["context", "jobs", "media", "plain_file", "scratch", "stop"]),
    ("context", &["checkpoints", "jobs", "scratch", "stop"]),
    ("capabilities", &["jobs"]),
    ("background", &[]),
    ("checkpoints", &[]),
    ("scratch", &[]),
    ("redact", &[]),
    ("volume", &["access", "clock", "jobs", "media", "models", "plain_file", "scratch"]),
    ("jobs", &["access", "checks", "media", "tables"]),
    ("checks", &["messages"]),
    ("media", &[]),
    ("messages", &[]),
    ("tables", &[]),
    ("models", &["plain_file"]),
    ("plain_file", &[]),
    ("config", &["access", "audio", "jobs", "messages", "models", "tables", "volume"]),
    ("telemetry", &["clock", "redact"]),
    ("access", &[]),
    ("stop", &[]),
    ("clock", &[]),
];

/// For each library (or name), the files and folders of `src` that may name it. A place here that does not name it fails.
#[rustfmt::skip]
const LIBRARIES: &[(&str, &[&str])] = &[
    ("axum::", &["api/", "http/"]),
    ("StatusCode::", &["api/events/handlers.rs", "api/health/mod.rs", "api/jobs/accepted.rs", "api/jobs/audio.rs", "api/jobs/handlers.rs", "http/error/", "http/fallback.rs", "http/ws/upgrade.rs"]),
    ("tungstenite", &["http/ws/"]),
    ("whisper_rs", &["transcribe/whisper.rs", "transcribe/callbacks.rs"]),
    ("symphonia", &["audio/decode"]),
    ("nnnoiseless", &["audio/denoise.rs"]),
    ("rten::", &["inference.rs", "inference/"]),
    ("rten_gemm", &["inference/dense/", "inference/trunk/"]),
    ("rten_simd", &["inference/dense/", "inference/narrow.rs", "inference/trunk/"]),
    ("rten_onnx", &["inference/outline.rs", "inference/permitted.rs", "inference/sizes/", "models/import/onnx.rs"]),
];

/// Files that may import each other in a circle, with the reason. An entry that is no circle fails.
#[rustfmt::skip]
const CIRCLES: &[(&[&str], &str)] = &[
    (&["audio/leak_removed.rs", "audio/signal.rs", "audio/spilled.rs"], "one recursive type: a signal may be another one with the leak removed"),
];

/// Every file below `src` with its text.
fn files() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    assert!(found.len() > 40, "the sources were not found");
    let named = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text)
    };
    found.into_iter().map(named).collect()
}

fn read(files: &[(String, String)]) -> Crate {
    Crate::read(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))
}

/// The code of a file without its unit tests and comments.
fn code(text: &str) -> String {
    let without_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    without_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_import_what_the_table_allows_and_the_table_allows_no_more() {
    let files = files();
    let sources = read(&files);
    let is_module = |name: &str| IMPORTS.iter().any(|(module, _)| *module == name);
    let mut found: BTreeMap<(&str, String), &str> = BTreeMap::new();
    let mut modules = BTreeSet::new();
    for source in sources.sources() {
        let Some(module) = source.module.first() else { continue };
        modules.insert(module.as_str());
        let paths = source.imports.iter().map(|import| &import.path).chain(&source.paths);
        for path in paths.filter_map(|path| sources.absolute(source, path)) {
            let other = &path[0];
            if other != module && is_module(other) {
                found.entry((module, other.clone())).or_insert(&source.file);
            }
        }
    }
    let missing = modules.iter().filter(|module| !is_module(module)).map(|module| format!("{module} has no row"));
    let gone = IMPORTS.iter().filter(|(row, _)| !modules.contains(row)).map(|(row, _)| format!("the row of {row} has no module"));
    let allowed = |module: &str, other: &str| IMPORTS.iter().any(|(row, names)| *row == module && names.contains(&other));
    let wrong = found
        .iter()
        .filter(|((module, other), _)| !allowed(module, other))
        .map(|((_, other), file)| format!("{file} imports {other}, and the table does not allow it"));
    let unused = IMPORTS
        .iter()
        .flat_map(|(row, names)| names.iter().map(move |name| (*row, (*name).to_owned())))
        .filter(|pair| !found.contains_key(pair))
        .map(|(row, name)| format!("{row} may import {name}, and does not"));
    let complaints: Vec<String> = missing.chain(gone).chain(wrong).chain(unused).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn no_two_modules_import_each_other() {
    let edges = IMPORTS
        .iter()
        .map(|(module, names)| ((*module).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let found = circles(&edges);
    assert!(found.is_empty(), "circles in the table: {found:#?}");
}

#[test]
fn no_files_import_each_other() {
    let files = files();
    let sources = read(&files);
    assert_eq!(sources.globs(), <[String; 0]>::default(), "a glob import hides which names are used");
    let uses = sources.uses();
    let edges = uses.iter().map(|(file, used)| (file.clone(), used.keys().cloned().collect())).collect();
    let found = circles(&edges);
    let is_allowed = |circle: &BTreeSet<String>| CIRCLES.iter().any(|(allowed, _)| circle.iter().eq(allowed.iter()));
    let mut complaints = String::new();
    for circle in found.iter().filter(|circle| !is_allowed(circle)) {
        complaints += "a circle:\n";
        for file in circle {
            for (other, names) in uses[file].iter().filter(|(other, _)| circle.contains(*other)) {
                let _ = writeln!(complaints, "  {file} uses {names:?} of {other}");
            }
        }
    }
    for (allowed, _) in CIRCLES.iter().filter(|(allowed, _)| !found.iter().any(|circle| circle.iter().eq(allowed.iter()))) {
        let _ = writeln!(complaints, "{allowed:?} may be a circle, and is none");
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn libraries_are_named_where_the_table_says_and_nowhere_else() {
    let files = files();
    let mut complaints = Vec::new();
    for (library, places) in LIBRARIES {
        let naming: Vec<&str> =
            files.iter().filter(|(_, text)| code(text).contains(library)).map(|(file, _)| file.as_str()).collect();
        let elsewhere = naming.iter().filter(|file| !places.iter().any(|place| file.starts_with(place)));
        complaints.extend(elsewhere.map(|file| format!("{file} names {library}")));
        let unused = places.iter().filter(|place| !naming.iter().any(|file| file.starts_with(*place)));
        complaints.extend(unused.map(|place| format!("{place} may name {library}, and does not")));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_file_opens_with_a_module_doc_and_stays_short() {
    for (file, text) in files() {
        assert!(text.starts_with("//!"), "{file} has no module doc");
        let lines = text.lines().count();
        assert!(lines <= 500, "{file} has {lines} lines");
    }
}
