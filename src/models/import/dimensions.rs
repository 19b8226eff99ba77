//! The dimensions of a Whisper model, derived from the shapes of its weights.
//!
//! Only real Whisper models are accepted: OpenAI's vocabularies, 30 s of audio, 448 tokens of text, nothing larger than large-v3.
//! So these checks bound everything that is allocated or written later, whatever the file claims.

use super::ctranslate2::{Contents, Variable};
use super::error::ImportError;

/// Encoder frames for the 30 s that Whisper processes at once.
const AUDIO_CONTEXT: u64 = 1500;
/// The decoder's context in tokens.
const TEXT_CONTEXT: u64 = 448;
/// The width and the number of blocks of the large models, the largest that exist.
const WIDEST: u64 = 1280;
const DEEPEST: u32 = 32;
/// The numbers in a block of q8_0; each row must consist of whole blocks.
const BLOCK: u64 = 32;
/// The vocabulary of the English-only models; multilingual ones have one token more, large-v3 and later two.
const ENGLISH_VOCABULARY: u64 = 51_864;

/// The header of a ggml Whisper file, without the type of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dimensions {
    pub(super) vocabulary: u32,
    pub(super) audio_context: u32,
    /// The width of encoder and decoder, which are equal in Whisper.
    pub(super) state: u32,
    pub(super) audio_heads: u32,
    pub(super) audio_layers: u32,
    pub(super) text_context: u32,
    pub(super) text_heads: u32,
    pub(super) text_layers: u32,
    pub(super) mels: u32,
}

impl Dimensions {
    /// The dimensions of a model, or the reason why it is not a Whisper model.
    pub(super) fn of(contents: &Contents) -> Result<Self, ImportError> {
        if contents.specification != "WhisperSpec" {
            let name = super::error::printable(&contents.specification);
            return Err(ImportError::Unsupported(format!("it is of kind {name}, not WhisperSpec")));
        }
        if contents.revision != 3 {
            return Err(unsupported(&format!("revision {} of WhisperSpec, only 3 is read", contents.revision)));
        }
        let [vocabulary, state] = shape(contents, "decoder/embeddings/weight")?;
        let [audio_context, _] = shape(contents, "encoder/position_encodings/encodings")?;
        let [text_context, _] = shape(contents, "decoder/position_encodings/encodings")?;
        let [_, mels, _] = shape(contents, "encoder/conv1/weight")?;
        let (audio_heads, text_heads) = (heads(contents, "encoder/num_heads")?, heads(contents, "decoder/num_heads")?);
        let (audio_layers, text_layers) = (layers(contents, "encoder")?, layers(contents, "decoder")?);

        if !(ENGLISH_VOCABULARY..=ENGLISH_VOCABULARY + 2).contains(&vocabulary) {
            return Err(unsupported(&format!("a vocabulary of {vocabulary} tokens; Whisper has 51864, 51865 or 51866")));
        }
        if audio_context != AUDIO_CONTEXT || text_context != TEXT_CONTEXT {
            return Err(unsupported(&format!(
                "contexts of {audio_context} frames and {text_context} tokens; Whisper has {AUDIO_CONTEXT} and {TEXT_CONTEXT}"
            )));
        }
        if mels != 80 && mels != 128 {
            return Err(unsupported(&format!("{mels} mel bands; Whisper has 80 or 128")));
        }
        if state == 0 || state > WIDEST || !state.is_multiple_of(BLOCK) {
            return Err(unsupported(&format!("a width of {state}; Whisper's is a multiple of {BLOCK} up to {WIDEST}")));
        }
        for heads in [audio_heads, text_heads] {
            // The vector kernels of whisper.cpp need heads whose size is a multiple of eight.
            if heads == 0 || !state.is_multiple_of(u64::from(heads) * 8) {
                return Err(unsupported(&format!("{heads} attention heads at a width of {state}")));
            }
        }
        Ok(Self {
            vocabulary: vocabulary as u32,
            audio_context: audio_context as u32,
            state: state as u32,
            audio_heads,
            audio_layers,
            text_context: text_context as u32,
            text_heads,
            text_layers,
            mels: mels as u32,
        })
    }

    /// Whether the model knows more languages than English; whisper.cpp decides it the same way.
    pub(super) fn is_multilingual(&self) -> bool {
        u64::from(self.vocabulary) > ENGLISH_VOCABULARY
    }
}

fn unsupported(what: &str) -> ImportError {
    ImportError::Unsupported(format!("it has {what}"))
}

/// The variable with this name; the error names it when it is missing.
pub(super) fn find<'a>(contents: &'a Contents, name: &str) -> Result<(&'a str, &'a Variable), ImportError> {
    contents.find(name).ok_or_else(|| ImportError::Unsupported(format!("the variable {name} is missing")))
}

fn shape<const N: usize>(contents: &Contents, name: &str) -> Result<[u64; N], ImportError> {
    let (_, variable) = find(contents, name)?;
    <[u64; N]>::try_from(variable.shape.as_slice())
        .map_err(|_| unsupported(&format!("{name} in {} dimensions instead of {N}", variable.shape.len())))
}

fn heads(contents: &Contents, name: &str) -> Result<u32, ImportError> {
    let (_, variable) = find(contents, name)?;
    variable.scalar.and_then(|heads| u32::try_from(heads).ok()).ok_or_else(|| unsupported(&format!("no count in {name}")))
}

fn layers(contents: &Contents, side: &str) -> Result<u32, ImportError> {
    let present = |layer: &u32| contents.find(&format!("{side}/layer_{layer}/ffn/linear_0/weight")).is_some();
    let count = (0..=DEEPEST).take_while(present).count() as u32;
    if (1..=DEEPEST).contains(&count) { Ok(count) } else { Err(unsupported(&format!("{count} layers in the {side}"))) }
}
