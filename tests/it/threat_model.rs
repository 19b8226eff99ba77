//! The threat model names the tests that check its promises; each of them exists.

use std::path::{Path, PathBuf};

#[test]
fn every_promise_names_a_test_that_exists() {
    let page = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains("::")) {
        let tests: Vec<&str> = row.split('`').filter(|word| word.contains("::")).collect();
        for test in tests {
            let (module, name) = test.split_once("::").unwrap();
            assert!(text_of(module).contains(&format!("fn {name}(")), "there is no test {test}");
        }
        rows += 1;
    }
    assert!(rows > 30, "only {rows} promises have tests");
}

/// The source of a module of these tests, with the modules in its folder; of the library for a path with `/`.
fn text_of(module: &str) -> String {
    let base = if module.contains('/') { root().join(module) } else { root().join("tests/it").join(module) };
    let file = std::fs::read_to_string(base.with_extension("rs")).unwrap_or_default();
    let folder = std::fs::read_dir(&base).into_iter().flatten().map(|entry| entry.unwrap().path());
    folder
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .fold(file, |text, path| text + &std::fs::read_to_string(path).unwrap())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
