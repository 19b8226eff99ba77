//! Where the tests find models and recordings that are not in the repository. What is missing is recorded as a skip (`needs.rs`).

use std::path::{Path, PathBuf};

use super::needs::Need;

/// The Whisper model that `make test-models` brings.
pub const ENGLISH: &str = "whisper/ggml-tiny.en-q8_0.bin";

/// The models of the tests, which `make test-models` brings. Not those of the volume, which are the user's.
pub fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/test-models")
}

/// Third-party models and recordings beside the checkout.
pub fn shared() -> Option<PathBuf> {
    Need::Shared.or_skip(beside())
}

/// The folder without recording a skip.
fn beside() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("CALLANNOTATE_TEST_SHARED").map_or(beside, PathBuf::from);
    folder.join("models").is_dir().then_some(folder)
}

/// A file or folder within `shared`.
pub fn shared_path(name: &str) -> Option<PathBuf> {
    Need::Shared.or_skip(beside().map(|folder| folder.join(name)).filter(|path| path.exists()))
}

/// The folder of models with the English Whisper model: the repository's own, or the third-party one.
pub fn folder_with_whisper() -> Option<PathBuf> {
    let folders = [Some(own()), beside().map(|folder| folder.join("models"))];
    Need::EnglishModel.or_skip(folders.into_iter().flatten().find(|folder| folder.join(ENGLISH).is_file()))
}

/// The voice encoder from either folder: both compute the same.
pub fn voice_encoder() -> Option<PathBuf> {
    let folders = [Some(own()), beside().map(|folder| folder.join("models"))];
    let paths = folders.into_iter().flatten().map(|folder| folder.join("speaker/ge2e-256.onnx"));
    Need::VoiceEncoder.or_skip(paths.into_iter().find(|path| path.is_file()))
}

/// The folder with what `make models` brings: base, the segmentation, and CAM++.
pub fn defaults() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/default-models");
    Need::DefaultModels.or_skip(Some(folder).filter(|folder| folder.join(".complete").is_file()))
}

/// A package that `make test-setup` downloads.
pub fn wheel(name: &str) -> Option<PathBuf> {
    let wheel = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/models").join(name);
    Need::Wheels.or_skip(wheel.is_file().then_some(wheel))
}
