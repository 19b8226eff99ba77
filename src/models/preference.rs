//! The order of preference among the models of one folder, and which model a name in the settings refers to.
//!
//! Whisper: the largest first, since a user who installs a larger model wants it used; at the same size multilingual before
//! English-only; of the same model in several tensor types the fastest without a noticeable loss (q8_0, f16, f32, then the
//! smaller types from fine to coarse). Other kinds: models that this program was measured with, best first; then by name, later
//! versions first. The order never depends on the order of a folder's listing.

use std::cmp::Reverse;

use super::{ModelFile, ModelKind};

/// Known models by prefix, best first. 8-bit ONNX exports come after all others, since their error rates are worse.
const SEGMENTATION: [&str; 1] = ["segmentation-3.0"];
const SPEAKER: [&str; 4] = ["campplus-zh-en", "ge2e-256", "speaker_lda48", "wq2012_bilstm_all"];
const VAD: [&str; 1] = ["ggml-silero"];

/// Tensor types as in file names, preferred ones first, with ggml's file type.
const TYPES: [(&str, u32); 9] =
    [("q8_0", 7), ("f16", 1), ("f32", 0), ("q6_k", 18), ("q5_1", 9), ("q5_0", 8), ("q4_1", 3), ("q4_0", 2), ("q4_k", 12)];

/// Sorts the models of one folder by preference.
pub(super) fn sort(models: &mut [ModelFile]) {
    models.sort_by_cached_key(|model| (whisper_rank(model), named_rank(model), Reverse(model.name.clone())));
}

/// Lower is better; equal for all models that are not Whisper models.
fn whisper_rank(model: &ModelFile) -> (Reverse<u32>, Reverse<u32>, bool, usize) {
    let Some(traits) = model.whisper else {
        return (Reverse(0), Reverse(0), false, 0);
    };
    let type_rank = TYPES.iter().position(|(_, code)| *code == traits.file_type).unwrap_or(TYPES.len());
    (Reverse(traits.encoder_layers), Reverse(traits.decoder_layers), !traits.multilingual, type_rank)
}

/// Lower is better: whether the model is quantized, and its place in the list of known models.
fn named_rank(model: &ModelFile) -> (bool, usize) {
    let known: &[&str] = match model.kind {
        ModelKind::Whisper => &[],
        ModelKind::Segmentation => &SEGMENTATION,
        ModelKind::Speaker => &SPEAKER,
        ModelKind::Vad => &VAD,
    };
    let quantized = model.name.contains("int8") || model.name.contains("uint8") || model.name.contains("quant");
    (quantized, known.iter().position(|name| model.name.starts_with(name)).unwrap_or(known.len()))
}

/// Whether `wanted`, from the settings, refers to this model: by its file name, with or without extension and `ggml-`, or for a
/// Whisper model by size alone, such as `small` or `tiny.en`.
pub(super) fn is_meant(wanted: &str, model: &ModelFile) -> bool {
    let stem = |name: &str| {
        let extensions = model.kind.extensions().iter();
        let name = extensions
            .fold(name, |name, extension| name.strip_suffix(extension).and_then(|name| name.strip_suffix('.')).unwrap_or(name));
        name.strip_prefix("ggml-").unwrap_or(name).to_owned()
    };
    let wanted = stem(wanted);
    wanted == stem(&model.name) || (model.kind == ModelKind::Whisper && wanted == whisper_size_and_type(&model.name).0)
}

/// Splits `ggml-tiny.en-q8_0` into `tiny.en` and `q8_0`.
pub(super) fn whisper_size_and_type(name: &str) -> (&str, Option<&str>) {
    let name = name.strip_prefix("ggml-").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((size, kind)) if TYPES.iter().any(|(known, _)| *known == kind) => (size, Some(kind)),
        Some(_) | None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::models::WhisperTraits;

    fn whisper(name: &str, layers: [u32; 2], multilingual: bool, file_type: u32) -> ModelFile {
        let [encoder_layers, decoder_layers] = layers;
        let traits = WhisperTraits { multilingual, encoder_layers, decoder_layers, file_type };
        ModelFile { whisper: Some(traits), ..other(ModelKind::Whisper, name) }
    }

    fn other(kind: ModelKind, name: &str) -> ModelFile {
        ModelFile {
            kind,
            path: PathBuf::from(name),
            name: name.to_owned(),
            size_bytes: 1,
            license: None,
            dir: PathBuf::new(),
            whisper: None,
        }
    }

    fn sorted(mut models: Vec<ModelFile>) -> Vec<String> {
        sort(&mut models);
        models.into_iter().map(|model| model.name).collect()
    }

    #[test]
    fn the_largest_whisper_comes_first_then_the_multilingual_then_the_fastest_type() {
        let best_first = [
            ("ggml-large-v3", [32, 32], true, 1),
            ("ggml-large-v3-turbo-q5_0", [32, 4], true, 8),
            ("ggml-small-q8_0", [12, 12], true, 7),
            ("ggml-small", [12, 12], true, 1),
            ("ggml-small-q5_1", [12, 12], true, 9),
            ("ggml-small.en", [12, 12], false, 1),
            ("ggml-tiny", [4, 4], true, 1),
        ];
        let models: Vec<ModelFile> =
            best_first.iter().rev().map(|&(name, layers, all, kind)| whisper(name, layers, all, kind)).collect();
        assert_eq!(sorted(models), best_first.map(|(name, ..)| name));
    }

    #[test]
    fn other_models_come_in_the_documented_order() {
        let models = ["a", "speaker_lda48", "wq2012_bilstm_all", "ge2e-256-int8", "ge2e-256", "campplus-zh-en"];
        let models = models.map(|name| other(ModelKind::Speaker, name)).to_vec();
        assert_eq!(sorted(models), ["campplus-zh-en", "ge2e-256", "speaker_lda48", "wq2012_bilstm_all", "a", "ge2e-256-int8"]);
        let models = ["ggml-silero-v5.1.2", "ggml-silero-v6.2.0"].map(|name| other(ModelKind::Vad, name)).to_vec();
        assert_eq!(sorted(models), ["ggml-silero-v6.2.0", "ggml-silero-v5.1.2"]);
    }

    #[test]
    fn a_name_refers_to_a_model_by_file_name_or_size() {
        let model = other(ModelKind::Whisper, "ggml-tiny.en-q8_0");
        for wanted in ["ggml-tiny.en-q8_0.bin", "ggml-tiny.en-q8_0", "tiny.en-q8_0", "tiny.en"] {
            assert!(is_meant(wanted, &model), "{wanted}");
        }
        for wanted in ["tiny", "tiny.en-q5_0", "", "small"] {
            assert!(!is_meant(wanted, &model), "{wanted}");
        }
        assert!(is_meant("ge2e-256.onnx", &other(ModelKind::Speaker, "ge2e-256")));
    }
}
