//! Tiny Whisper models in the format of faster-whisper, for the import to convert or refuse.
//!
//! Everything but the width is as in a real CTranslate2 file: names, stacking, scalars, aliases. The numbers are
//! noise that depends on the variable, so that swapped tensors are noticed.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::Path;

pub(crate) const STATE: u32 = 32;
const HEADS: i16 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Float {
    F16,
    F32,
}

#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) shape: Vec<u32>,
    pub(crate) type_code: u8,
    pub(crate) data: Vec<u8>,
    /// The length in bytes that its header states, if that is wrong.
    pub(crate) claimed_bytes: Option<u32>,
}

#[derive(Clone)]
pub(crate) struct Toy {
    pub(crate) version: u32,
    pub(crate) specification: String,
    pub(crate) revision: u32,
    pub(crate) vocabulary: u32,
    pub(crate) claimed_variables: Option<u32>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) aliases: Vec<(String, String)>,
}

/// The toy's numbers: multiples of 1/64 that both float types hold exactly.
pub(crate) fn numbers(name: &str, count: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(0x9e37_79b9_u32, |state, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193)) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..count).map(|_| ((next() % 201) as f32 - 100.0) / 64.0).collect()
}

/// Exact for the toy's numbers: small multiples of 1/64.
fn half(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    if number == 0.0 { sign } else { sign | (((bits & 0x7fff_ffff) - (112 << 23)) >> 13) as u16 }
}

impl Toy {
    pub(crate) fn new(vocabulary: u32, mels: u32, layers: [u32; 2], float: Float) -> Self {
        let mut toy = Self {
            version: 6,
            specification: "WhisperSpec".to_owned(),
            revision: 3,
            vocabulary,
            claimed_variables: None,
            variables: Vec::new(),
            aliases: vec![("decoder/projection/weight".to_owned(), "decoder/embeddings/weight".to_owned())],
        };
        let state = STATE;
        for (side, context, count) in [("encoder", 1500, layers[0]), ("decoder", 448, layers[1])] {
            toy.scalar(&format!("{side}/num_heads"), 2, &HEADS.to_le_bytes());
            toy.floats(&format!("{side}/position_encodings/encodings"), &[context, state], float);
            toy.norm(&format!("{side}/layer_norm"), float);
            for layer in 0..count {
                let layer = format!("{side}/layer_{layer}");
                toy.norm(&format!("{layer}/ffn/layer_norm"), float);
                toy.linear(&format!("{layer}/ffn/linear_0"), [4 * state, state], float);
                toy.linear(&format!("{layer}/ffn/linear_1"), [state, 4 * state], float);
                toy.norm(&format!("{layer}/self_attention/layer_norm"), float);
                toy.linear(&format!("{layer}/self_attention/linear_0"), [3 * state, state], float);
                toy.clear_key_bias(state);
                toy.linear(&format!("{layer}/self_attention/linear_1"), [state, state], float);
                if side == "decoder" {
                    toy.norm(&format!("{layer}/attention/layer_norm"), float);
                    toy.linear(&format!("{layer}/attention/linear_0"), [state, state], float);
                    toy.linear(&format!("{layer}/attention/linear_1"), [2 * state, state], float);
                    toy.clear_key_bias(0);
                    toy.linear(&format!("{layer}/attention/linear_2"), [state, state], float);
                }
            }
        }
        for (name, inputs) in [("conv1", mels), ("conv2", state)] {
            toy.floats(&format!("encoder/{name}/weight"), &[state, inputs, 3], float);
            toy.floats(&format!("encoder/{name}/bias"), &[state], float);
        }
        toy.floats("decoder/embeddings/weight", &[vocabulary, state], float);
        toy.scalar("decoder/activation", 1, &[3]);
        toy.scalar("decoder/alignment_layer", 2, &(-1_i16).to_le_bytes());
        toy.variables.sort_by(|left, right| left.name.cmp(&right.name));
        toy
    }

    /// English, one encoder and one decoder layer: the smallest model that is accepted.
    pub(crate) fn small() -> Self {
        Self::new(51_864, 80, [1, 1], Float::F16)
    }

    fn scalar(&mut self, name: &str, type_code: u8, data: &[u8]) {
        let (name, data) = (name.to_owned(), data.to_vec());
        self.variables.push(Variable { name, shape: Vec::new(), type_code, data, claimed_bytes: None });
    }

    fn floats(&mut self, name: &str, shape: &[u32], float: Float) {
        let numbers = numbers(name, shape.iter().product::<u32>() as usize);
        let (type_code, data) = match float {
            Float::F16 => (4, numbers.iter().flat_map(|&number| half(number).to_le_bytes()).collect()),
            Float::F32 => (0, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
        };
        self.variables.push(Variable { name: name.to_owned(), shape: shape.to_vec(), type_code, data, claimed_bytes: None });
    }

    fn norm(&mut self, name: &str, float: Float) {
        self.floats(&format!("{name}/gamma"), &[STATE], float);
        self.floats(&format!("{name}/beta"), &[STATE], float);
    }

    fn linear(&mut self, name: &str, shape: [u32; 2], float: Float) {
        self.floats(&format!("{name}/weight"), &shape, float);
        self.floats(&format!("{name}/bias"), &shape[..1], float);
    }

    /// Adds an alias to the bias that was added last.
    fn clear_key_bias(&mut self, first: u32) {
        let bias = self.variables.last_mut().unwrap();
        let width = bias.data.len() / bias.shape[0] as usize;
        bias.data[first as usize * width..(first + STATE) as usize * width].fill(0);
    }

    pub(crate) fn variable(&mut self, name: &str) -> &mut Variable {
        self.variables.iter_mut().find(|variable| variable.name == name).unwrap()
    }

    /// The file, and the byte ranges that are not weights.
    pub(crate) fn bytes_and_heads(&self) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
        let (mut bytes, mut heads, mut start) = (Vec::new(), Vec::new(), 0);
        bytes.extend(self.version.to_le_bytes());
        string(&mut bytes, &self.specification);
        bytes.extend(self.revision.to_le_bytes());
        bytes.extend(self.claimed_variables.unwrap_or(self.variables.len() as u32).to_le_bytes());
        for variable in &self.variables {
            string(&mut bytes, &variable.name);
            bytes.push(variable.shape.len() as u8);
            variable.shape.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            bytes.push(variable.type_code);
            bytes.extend(variable.claimed_bytes.unwrap_or(variable.data.len() as u32).to_le_bytes());
            heads.push(start..bytes.len());
            bytes.extend(&variable.data);
            start = bytes.len();
        }
        bytes.extend((self.aliases.len() as u32).to_le_bytes());
        for (alias, target) in &self.aliases {
            string(&mut bytes, alias);
            string(&mut bytes, target);
        }
        heads.push(start..bytes.len());
        (bytes, heads)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_and_heads().0
    }

    /// The model's tokens in the format of CTranslate2's vocabulary.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let multilingual = self.vocabulary > 51_864;
        // whisper.cpp assumes that the space token exists.
        let mut tokens: Vec<String> =
            (0..50_256).map(|index| if index == 220 { "Ġ".to_owned() } else { format!("Ġw{index}") }).collect();
        if multilingual {
            tokens.push(String::new());
        }
        tokens.push("<|endoftext|>".to_owned());
        while tokens.len() < self.vocabulary as usize {
            tokens.push(format!("<|{}|>", tokens.len()));
        }
        tokens
    }

    /// Writes the model and `vocabulary.txt` into `folder`.
    pub(crate) fn write_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("model.bin"), self.bytes()).unwrap();
        fs::write(folder.join("vocabulary.txt"), self.tokens().join("\n") + "\n").unwrap();
    }
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u16 + 1).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}
