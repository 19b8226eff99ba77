//! File names of imported models: derived from the model, or checked when the user gives one.

use std::path::{Component, Path};

use serde::Deserialize;

use super::dimensions::Dimensions;
use super::error::ImportError;
use super::tensor_type::TensorType;

/// The name derived from the dimensions, such as `ggml-tiny.en-q8_0.bin`.
///
/// `config` is CTranslate2's `config.json`, if there is one: large-v1 and large-v2 have the same sizes, but not the same
/// alignment heads.
pub(super) fn default_name(dimensions: &Dimensions, tensor_type: TensorType, config: Option<&[u8]>) -> String {
    let model = match (dimensions.audio_layers, dimensions.text_layers, dimensions.state) {
        (4, 4, 384) => "tiny",
        (6, 6, 512) => "base",
        (12, 12, 768) => "small",
        (24, 24, 1024) => "medium",
        (32, 32, 1280) => large(dimensions, config),
        (32, 4, 1280) => "large-v3-turbo",
        (12, 4, 768) => "distil-small",
        (24, 2, 1024) => "distil-medium",
        (32, 2, 1280) if dimensions.mels == 128 => "distil-large-v3",
        (32, 2, 1280) => "distil-large-v2",
        (encoder, decoder, width) => {
            return format!("ggml-whisper-{encoder}x{decoder}x{width}{}", suffix(dimensions, tensor_type));
        }
    };
    format!("ggml-{model}{}", suffix(dimensions, tensor_type))
}

/// `name` with this extension, if it is a plain file name.
pub(super) fn checked_name(name: &str, extension: &str) -> Result<String, ImportError> {
    let mut components = Path::new(name).components();
    let plain = matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name);
    let is_harmless = name.len() <= 100 && !name.starts_with(['.', '-']) && !name.chars().any(|c| c.is_control() || c == '\\');
    if !plain || !is_harmless {
        return Err(ImportError::Name(super::error::printable(name)));
    }
    let has_it = Path::new(name).extension().is_some_and(|found| found == extension);
    Ok(if has_it { name.to_owned() } else { format!("{name}.{extension}") })
}

fn suffix(dimensions: &Dimensions, tensor_type: TensorType) -> String {
    let language = if dimensions.is_multilingual() { "" } else { ".en" };
    format!("{language}-{}.bin", tensor_type.name())
}

#[derive(Deserialize)]
struct Config {
    alignment_heads: Vec<[u32; 2]>,
}

fn large(dimensions: &Dimensions, config: Option<&[u8]>) -> &'static str {
    if dimensions.mels == 128 {
        return "large-v3";
    }
    // Only the name depends on it, so an unreadable config is treated like a missing one.
    let config = config.and_then(|config| serde_json::from_slice::<Config>(config).ok());
    // CTranslate2, `_WHISPER_ALIGNMENT_HEADS` in converters/transformers.py.
    match config.as_ref().and_then(|config| config.alignment_heads.first()) {
        Some([9, 19]) => "large-v1",
        Some([10, 12]) => "large-v2",
        Some(_) | None => "large",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimensions(vocabulary: u32, layers: [u32; 2], state: u32, mels: u32) -> Dimensions {
        Dimensions {
            vocabulary,
            audio_context: 1500,
            state,
            audio_heads: state / 64,
            audio_layers: layers[0],
            text_context: 448,
            text_heads: state / 64,
            text_layers: layers[1],
            mels,
        }
    }

    #[test]
    fn openais_models_are_named_by_their_dimensions() {
        let name =
            |vocabulary, layers, state, mels| default_name(&dimensions(vocabulary, layers, state, mels), TensorType::Q8_0, None);
        assert_eq!(name(51_864, [4, 4], 384, 80), "ggml-tiny.en-q8_0.bin");
        assert_eq!(name(51_865, [6, 6], 512, 80), "ggml-base-q8_0.bin");
        assert_eq!(name(51_865, [32, 32], 1280, 80), "ggml-large-q8_0.bin");
        assert_eq!(name(51_866, [32, 32], 1280, 128), "ggml-large-v3-q8_0.bin");
        assert_eq!(name(51_866, [32, 4], 1280, 128), "ggml-large-v3-turbo-q8_0.bin");
        assert_eq!(name(51_865, [3, 2], 64, 80), "ggml-whisper-3x2x64-q8_0.bin");
    }

    #[test]
    fn the_alignment_heads_distinguish_the_large_models() {
        let large = dimensions(51_865, [32, 32], 1280, 80);
        let name = |config: &str| default_name(&large, TensorType::F16, Some(config.as_bytes()));
        assert_eq!(name(r#"{"alignment_heads": [[9, 19], [11, 2]]}"#), "ggml-large-v1-f16.bin");
        assert_eq!(name(r#"{"alignment_heads": [[10, 12]], "lang_ids": []}"#), "ggml-large-v2-f16.bin");
        assert_eq!(name("nonsense"), "ggml-large-f16.bin");
    }

    #[test]
    fn a_name_is_one_plain_file_name() {
        assert_eq!(checked_name("ggml-mine", "bin").unwrap(), "ggml-mine.bin");
        assert_eq!(checked_name("ggml-mine.bin", "bin").unwrap(), "ggml-mine.bin");
        assert_eq!(checked_name("mine", "onnx").unwrap(), "mine.onnx");
        for bad in ["", ".", "..", "../a", "a/b", "/a", "a/", ".hidden", "-a", "a\nb", "a\\b"] {
            assert!(checked_name(bad, "bin").is_err(), "{bad:?}");
        }
    }
}
