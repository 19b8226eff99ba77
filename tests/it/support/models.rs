//! Where the tests find models and recordings that are not in the repository. What is missing is said plainly.

use std::path::{Path, PathBuf};

/// The file that `make models` brings.
pub const ENGLISH: &str = "whisper/ggml-tiny.en-q8_0.bin";

/// The folder of models and recordings of others, beside the checkout.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("CALLANNOTATE_TEST_SHARED").map_or(beside, PathBuf::from);
    folder.join("models").is_dir().then_some(folder)
}

/// The models of the repository's volume, when the English one was brought there; else those of others.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn folder_with_whisper() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("volume/models");
    let found = [Some(own), shared().map(|shared| shared.join("models"))]
        .into_iter()
        .flatten()
        .find(|folder| folder.join(ENGLISH).is_file());
    if found.is_none() {
        eprintln!("skipped: no {ENGLISH}; `make models` brings it");
    }
    found
}

/// The voice encoder that `make models` brings, or that of others: they compute the same.
pub fn voice_encoder() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("volume/models");
    let folders = [Some(own), shared().map(|shared| shared.join("models"))];
    folders.into_iter().flatten().map(|folder| folder.join("speaker/ge2e-256.onnx")).find(|path| path.is_file())
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn say_skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
