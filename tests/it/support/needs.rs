//! What a test needs and a machine may lack.
//!
//! A test that cannot run says so here before it returns, so that no test passes without a trace. On a developer's machine the skip
//! goes to the terminal and into the list that `make test` prints at its end. Where a change is checked (`CI` is set) it is a
//! failure, unless `tests/may-lack.txt` allows the lack by name and says why.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One skip a line: the test and what it lacks. `make test` removes the file first and prints it last.
const SKIPPED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped-tests.txt");

/// Something outside the repository that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The Whisper model that `make test-models` brings.
    EnglishModel,
    /// The voice encoder that `make test-models` brings.
    VoiceEncoder,
    /// The models that `make models` brings, where the tests look for them.
    DefaultModels,
    /// The packages from which `make models` and `make test-models` import.
    Wheels,
    /// Models and recordings of third parties, which may not be redistributed.
    Shared,
    /// The right to mount a small file system.
    Mount,
    /// The right to open 11,000 files at once.
    OpenFiles,
}

impl Need {
    const ALL: [Self; 7] =
        [Self::EnglishModel, Self::VoiceEncoder, Self::DefaultModels, Self::Wheels, Self::Shared, Self::Mount, Self::OpenFiles];

    /// As `tests/may-lack.txt` names it.
    const fn name(self) -> &'static str {
        match self {
            Self::EnglishModel => "english-model",
            Self::VoiceEncoder => "voice-encoder",
            Self::DefaultModels => "default-models",
            Self::Wheels => "wheels",
            Self::Shared => "shared",
            Self::Mount => "mount",
            Self::OpenFiles => "open-files",
        }
    }

    /// What is not there, and how to get it.
    const fn explanation(self) -> &'static str {
        match self {
            Self::EnglishModel => "the English Whisper model; `make test-models` brings it",
            Self::VoiceEncoder => "the voice encoder; `make test-models` brings it",
            Self::DefaultModels => "the default models; `make test-models` brings them",
            Self::Wheels => "the packages in .cache/models; `make test-setup` downloads them",
            Self::Shared => "third-party models and recordings in ../shared or CALLANNOTATE_TEST_SHARED",
            Self::Mount => "the right to mount a tmpfs; run as root outside a container",
            Self::OpenFiles => "the right to open 11,000 files; raise `ulimit -Hn`",
        }
    }

    /// Passes on what was found. If nothing was, records that this test, or this part of it, is skipped.
    ///
    /// Panics where a change is checked and the lack is not allowed.
    pub fn or_skip<T>(self, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.skip();
        }
        found
    }

    fn skip(self) {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("{test}: needs {} ({})", self.explanation(), self.name());
        let allowed = allowed(&std::fs::read_to_string(allowances()).unwrap());
        let is_checked = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        assert!(
            !is_checked || allowed.iter().any(|name| name == self.name()),
            "{line}, and tests/may-lack.txt does not allow its lack"
        );
        // Not by `eprintln!`, which the test harness hides.
        let _shown = writeln!(std::io::stderr(), "skipped: {line}");
        let mut list = OpenOptions::new().create(true).append(true).open(SKIPPED).unwrap();
        list.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn allowances() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/may-lack.txt")
}

/// The names in a list of allowances. A line is a name and a reason; `#` begins a comment.
fn allowed(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            assert!(!reason.trim().is_empty(), "tests/may-lack.txt gives no reason for {name}");
            name.to_owned()
        })
        .collect()
}

#[test]
fn every_allowed_lack_is_one_that_a_test_may_have() {
    for name in allowed(&std::fs::read_to_string(allowances()).unwrap()) {
        assert!(Need::ALL.iter().any(|need| need.name() == name), "nothing is called {name}");
    }
}
