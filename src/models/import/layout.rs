//! Maps the variables of the CTranslate2 file to the tensors of the ggml file, in the order in which they are written.
//!
//! CTranslate2 stacks query, key and value of self-attention (`self_attention/linear_0`), and key and value of
//! cross-attention (`attention/linear_1`), row upon row; so every tensor, stacked or not, is one contiguous run of numbers, and
//! nothing has to be transposed. Names and order are whisper.cpp's (`models/convert-pt-to-ggml.py`, OpenAI's state dict).
//! Every weight of the source must be used: a weight that is left over means that this is not a Whisper model.

use std::collections::BTreeSet;

use super::ctranslate2::{Contents, Element};
use super::dimensions::{Dimensions, find};
use super::error::{ImportError, printable};

/// The type in which a tensor is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// For small tensors, where precision matters.
    Float32,
    /// For convolutions, for which whisper.cpp requires 16 bits in files of any type.
    Float16,
    /// For large weights: the requested type.
    Weight,
}

/// A contiguous run of numbers in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Offset from the start of the file, in bytes.
    pub(super) offset: u64,
    pub(super) element: Element,
    /// The number of numbers.
    pub(super) count: u64,
}

/// A tensor to be written.
#[derive(Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: String,
    /// Innermost dimension first, as ggml writes it.
    pub(super) sizes: Vec<u32>,
    pub(super) storage: Storage,
    pub(super) stretch: Stretch,
}

/// The tensors to write, and the runs that must be zero because ggml has no place for them.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) tensors: Vec<Tensor>,
    pub(super) zeros: Vec<(String, Stretch)>,
}

/// One of several parts of equal size that are stacked in a variable.
#[derive(Clone, Copy)]
struct Part {
    index: u64,
    of: u64,
}

const WHOLE: Part = Part { index: 0, of: 1 };

impl Layout {
    /// The layout for a model of these dimensions.
    pub(super) fn new(contents: &Contents, dimensions: &Dimensions) -> Result<Self, ImportError> {
        let mut plan = Plan { contents, state: dimensions.state, used: BTreeSet::new(), tensors: Vec::new(), zeros: Vec::new() };
        plan.encoder(dimensions)?;
        plan.decoder(dimensions)?;
        for (name, variable) in &contents.variables {
            if !variable.shape.is_empty() && !plan.used.contains(name.as_str()) {
                let name = printable(name);
                return Err(ImportError::Unsupported(format!("it has a weight {name} that Whisper does not have")));
            }
        }
        Ok(Self { tensors: plan.tensors, zeros: plan.zeros })
    }
}

struct Plan<'a> {
    contents: &'a Contents,
    state: u32,
    used: BTreeSet<&'a str>,
    tensors: Vec<Tensor>,
    zeros: Vec<(String, Stretch)>,
}

impl Plan<'_> {
    fn encoder(&mut self, dimensions: &Dimensions) -> Result<(), ImportError> {
        let state = self.state;
        self.whole("encoder/position_encodings/encodings", "encoder.positional_embedding", &[state, dimensions.audio_context])?;
        for (convolution, inputs) in [("conv1", dimensions.mels), ("conv2", state)] {
            let (source, target) = (format!("encoder/{convolution}"), format!("encoder.{convolution}"));
            self.whole(&format!("{source}/weight"), &format!("{target}.weight"), &[3, inputs, state])?;
            self.whole(&format!("{source}/bias"), &format!("{target}.bias"), &[state])?;
            // As a column it is added to every frame.
            if let Some(bias) = self.tensors.last_mut() {
                bias.sizes = vec![1, state];
            }
        }
        for layer in 0..dimensions.audio_layers {
            let (source, target) = (format!("encoder/layer_{layer}"), format!("encoder.blocks.{layer}"));
            self.feed_forward(&source, &target)?;
            self.self_attention(&source, &target)?;
        }
        self.norm("encoder/layer_norm", "encoder.ln_post")
    }

    fn decoder(&mut self, dimensions: &Dimensions) -> Result<(), ImportError> {
        let state = self.state;
        self.whole("decoder/position_encodings/encodings", "decoder.positional_embedding", &[state, dimensions.text_context])?;
        self.whole("decoder/embeddings/weight", "decoder.token_embedding.weight", &[state, dimensions.vocabulary])?;
        for layer in 0..dimensions.text_layers {
            let (source, target) = (format!("decoder/layer_{layer}"), format!("decoder.blocks.{layer}"));
            self.feed_forward(&source, &target)?;
            self.self_attention(&source, &target)?;
            self.cross_attention(&source, &target)?;
        }
        self.norm("decoder/layer_norm", "decoder.ln")
    }

    fn feed_forward(&mut self, source: &str, target: &str) -> Result<(), ImportError> {
        let (state, inner) = (self.state, 4 * self.state);
        self.norm(&format!("{source}/ffn/layer_norm"), &format!("{target}.mlp_ln"))?;
        self.linear(&format!("{source}/ffn/linear_0"), &format!("{target}.mlp.0"), [state, inner], WHOLE)?;
        self.linear(&format!("{source}/ffn/linear_1"), &format!("{target}.mlp.2"), [inner, state], WHOLE)
    }

    fn self_attention(&mut self, source: &str, target: &str) -> Result<(), ImportError> {
        let stacked = format!("{source}/self_attention/linear_0");
        self.norm(&format!("{source}/self_attention/layer_norm"), &format!("{target}.attn_ln"))?;
        self.square(&stacked, &format!("{target}.attn.query"), Part { index: 0, of: 3 })?;
        self.key(&stacked, &format!("{target}.attn.key"), Part { index: 1, of: 3 })?;
        self.square(&stacked, &format!("{target}.attn.value"), Part { index: 2, of: 3 })?;
        self.square(&format!("{source}/self_attention/linear_1"), &format!("{target}.attn.out"), WHOLE)
    }

    fn cross_attention(&mut self, source: &str, target: &str) -> Result<(), ImportError> {
        let stacked = format!("{source}/attention/linear_1");
        self.norm(&format!("{source}/attention/layer_norm"), &format!("{target}.cross_attn_ln"))?;
        self.square(&format!("{source}/attention/linear_0"), &format!("{target}.cross_attn.query"), WHOLE)?;
        self.key(&stacked, &format!("{target}.cross_attn.key"), Part { index: 0, of: 2 })?;
        self.square(&stacked, &format!("{target}.cross_attn.value"), Part { index: 1, of: 2 })?;
        self.square(&format!("{source}/attention/linear_2"), &format!("{target}.cross_attn.out"), WHOLE)
    }

    fn norm(&mut self, source: &str, target: &str) -> Result<(), ImportError> {
        let state = self.state;
        self.whole(&format!("{source}/gamma"), &format!("{target}.weight"), &[state])?;
        self.whole(&format!("{source}/beta"), &format!("{target}.bias"), &[state])
    }

    fn square(&mut self, source: &str, target: &str, part: Part) -> Result<(), ImportError> {
        self.linear(source, target, [self.state, self.state], part)
    }

    fn linear(&mut self, source: &str, target: &str, sizes: [u32; 2], part: Part) -> Result<(), ImportError> {
        self.tensor(&format!("{source}/weight"), format!("{target}.weight"), &sizes, part)?;
        self.tensor(&format!("{source}/bias"), format!("{target}.bias"), &sizes[1..], part)
    }

    /// A key projection. In Whisper it has no bias; CTranslate2 stores zeros in its place.
    fn key(&mut self, source: &str, target: &str, part: Part) -> Result<(), ImportError> {
        let state = self.state;
        self.tensor(&format!("{source}/weight"), format!("{target}.weight"), &[state, state], part)?;
        let bias = format!("{source}/bias");
        let stretch = self.stretch(&bias, &[state], part)?;
        self.zeros.push((bias, stretch));
        Ok(())
    }

    fn whole(&mut self, source: &str, target: &str, sizes: &[u32]) -> Result<(), ImportError> {
        self.tensor(source, target.to_owned(), sizes, WHOLE)
    }

    fn tensor(&mut self, source: &str, name: String, sizes: &[u32], part: Part) -> Result<(), ImportError> {
        let storage = match sizes.len() {
            1 => Storage::Float32,
            2 if name.ends_with("positional_embedding") => Storage::Float32,
            2 => Storage::Weight,
            _ => Storage::Float16,
        };
        let stretch = self.stretch(source, sizes, part)?;
        self.tensors.push(Tensor { name, sizes: sizes.to_vec(), storage, stretch });
        Ok(())
    }

    fn stretch(&mut self, source: &str, sizes: &[u32], part: Part) -> Result<Stretch, ImportError> {
        let (stored_name, variable) = find(self.contents, source)?;
        match variable.element {
            Element::Float32 | Element::Float16 => {}
            Element::BFloat16 => {
                return Err(ImportError::Unsupported("its weights are bfloat16: import a float16 or float32 variant".to_owned()));
            }
            element @ (Element::Int8 | Element::Int16 | Element::Int32) => {
                return Err(ImportError::Quantized { variable: source.to_owned(), element: element.name() });
            }
        }
        let mut expected: Vec<u64> = sizes.iter().rev().map(|&size| u64::from(size)).collect();
        if let Some(rows) = expected.first_mut() {
            *rows *= part.of;
        }
        if variable.shape != expected {
            let found = &variable.shape;
            return Err(ImportError::Unsupported(format!("{source} has the shape {found:?} instead of {expected:?}")));
        }
        let count = sizes.iter().map(|&size| u64::from(size)).product::<u64>();
        self.used.insert(stored_name);
        let offset = variable.offset + part.index * count * variable.element.width();
        Ok(Stretch { offset, element: variable.element, count })
    }
}
