//! The licences of models that are known by name.
//!
//! A name is a hint, not a proof, but the files themselves contain no licence. For unknown names there is none, and results leave
//! it open; a licence must never be guessed.

use super::ModelKind;

const MIT: &str = "MIT";
const APACHE: &str = "Apache-2.0";

/// OpenAI's Whisper models (github.com/openai/whisper, LICENSE) by whisper.cpp's names, without language and tensor type.
const WHISPER: [&str; 11] =
    ["tiny", "base", "small", "medium", "large", "large-v1", "large-v2", "large-v3", "large-v3-turbo", "turbo", "large-turbo"];

/// The SPDX identifier of a known model's licence.
pub(super) fn license(kind: ModelKind, name: &str) -> Option<&'static str> {
    let starts = |prefix: &str| name.starts_with(prefix);
    match kind {
        ModelKind::Whisper => {
            let (size, _) = super::preference::whisper_size_and_type(name);
            WHISPER.contains(&size.strip_suffix(".en").unwrap_or(size)).then_some(MIT)
        }
        // pyannote/segmentation-3.0, CNRS.
        ModelKind::Segmentation => starts("segmentation-3.0").then_some(MIT),
        // CAM++ of 3D-Speaker; the encoders of Resemblyzer and of Quan Wang (wq2012), and models derived from the latter.
        ModelKind::Speaker => {
            (starts("campplus-zh-en") || starts("ge2e-256") || starts("wq2012") || starts("speaker_lda48")).then_some(APACHE)
        }
        // snakers4/silero-vad.
        ModelKind::Vad => (starts("ggml-silero") || starts("silero")).then_some(MIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_have_a_licence() {
        assert_eq!(license(ModelKind::Whisper, "ggml-tiny.en-q8_0"), Some(MIT));
        assert_eq!(license(ModelKind::Whisper, "ggml-large-v3-turbo"), Some(MIT));
        assert_eq!(license(ModelKind::Whisper, "ggml-large-v3-turbo-q5_0"), Some(MIT));
        assert_eq!(license(ModelKind::Whisper, "ggml-whisper-3x2x64-q8_0"), None);
        assert_eq!(license(ModelKind::Whisper, "ggml-small-ru-tuned"), None);
        assert_eq!(license(ModelKind::Segmentation, "segmentation-3.0"), Some(MIT));
        assert_eq!(license(ModelKind::Speaker, "campplus-zh-en"), Some(APACHE));
        assert_eq!(license(ModelKind::Speaker, "ge2e-256"), Some(APACHE));
        assert_eq!(license(ModelKind::Speaker, "voxceleb_resnet34"), None);
    }
}
