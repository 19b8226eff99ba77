//! Distinguishes a model from a stub, a broken download or a file of another kind, without loading it.
//!
//! Reads headers only; `ggml` knows what a Whisper file must contain.

use std::io::Read as _;
use std::path::Path;

use super::ggml::{self, MAGIC};
use super::{ModelKind, WhisperTraits};
use crate::plain_file;

/// Properties of a usable file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inspection {
    pub(super) size_bytes: u64,
    pub(super) whisper: Option<WhisperTraits>,
}

/// Inspects a file. The error is the reason, in a few words, why it is not usable.
pub(super) fn inspect(kind: ModelKind, path: &Path) -> Result<Inspection, String> {
    let file = plain_file::open(path).map_err(|error| error.to_string())?;
    let size_bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let mut head = Vec::new();
    (&file).take(64).read_to_end(&mut head).map_err(|error| error.to_string())?;
    if let Some(reason) = no_model(&head) {
        return Err(reason.to_owned());
    }
    let whisper = match kind {
        ModelKind::Whisper => Some(WhisperTraits::from(ggml::inspect(path).map_err(|error| error.to_string())?)),
        ModelKind::Vad if path.extension().is_some_and(|extension| extension == "bin") => {
            if !head.starts_with(&MAGIC.to_le_bytes()) {
                return Err("not a ggml model".to_owned());
            }
            None
        }
        ModelKind::Segmentation | ModelKind::Speaker | ModelKind::Vad => None,
    };
    Ok(Inspection { size_bytes, whisper })
}

/// What a failed download left behind, judging by the first bytes; none when it may be a model.
fn no_model(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        Some("an empty file")
    } else if head.starts_with(b"version https://git-lfs") {
        Some("a Git LFS pointer: the model itself has not been downloaded")
    } else if head.starts_with(b"<") || head.starts_with(b"{") {
        Some("text, not a model: a download that went wrong")
    } else {
        None
    }
}
