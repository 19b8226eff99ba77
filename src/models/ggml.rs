//! Checks a Whisper file in ggml format before whisper.cpp loads it, and reads its dimensions.
//!
//! whisper.cpp trusts a model file: a wrong size or type leads to an assertion, which aborts the process, or to uninitialized
//! memory. So the header, the vocabulary and the tensor descriptions are read here first, with every length bounded, and compared
//! with what a Whisper of these dimensions must contain. The weights themselves are skipped. No file may make this code panic, or
//! allocate an amount that the file claims.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::plain_file;

/// "ggml" read as a little-endian number.
pub(super) const MAGIC: u32 = 0x6767_6d6c;
/// Encoder frames for thirty seconds, and the decoder's context in tokens: the same in every Whisper.
const AUDIO_CONTEXT: u32 = 1500;
const TEXT_CONTEXT: u32 = 448;
/// The number of frequency bins of the mel filters.
const SPECTRUM: u32 = 201;
const LONGEST_TOKEN: u32 = 1024;
const LONGEST_NAME: u32 = 128;

/// The dimensions of a Whisper model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhisperHeader {
    /// The number of tokens.
    pub vocabulary: u32,
    /// The width of encoder and decoder.
    pub state: u32,
    /// The number of attention heads in an encoder block.
    pub audio_heads: u32,
    /// The number of encoder blocks.
    pub audio_layers: u32,
    /// The number of attention heads in a decoder block.
    pub text_heads: u32,
    /// The number of decoder blocks.
    pub text_layers: u32,
    /// The number of mel bands.
    pub mels: u32,
    /// ggml's number for the type of the weights, without the quantizer's version: 0 f32, 1 f16, 7 q8_0, ...
    pub file_type: u32,
}

impl WhisperHeader {
    /// Whether the model knows more languages than English, which shows in the size of its vocabulary.
    #[must_use]
    pub const fn is_multilingual(self) -> bool {
        self.vocabulary >= 51_865
    }
}

/// Why a file is not a usable Whisper model.
#[derive(Debug, thiserror::Error)]
pub enum GgmlError {
    /// The file cannot be read.
    #[error("not readable: {0}")]
    Read(#[source] io::Error),
    /// The file does not start with ggml's magic number.
    #[error("not a ggml model")]
    NotGgml,
    /// The file ends too early.
    #[error("cut off: a download or copy that did not end")]
    CutOff,
    /// A header and a vocabulary without weights, as in whisper.cpp's own tests.
    #[error("a stub: it has a vocabulary, but no weights")]
    Stub,
    /// The file contradicts what every Whisper model has in common.
    #[error("damaged, or no Whisper model: {0}")]
    Invalid(String),
}

impl From<io::Error> for GgmlError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutOff } else { Self::Read(error) }
    }
}

/// Reads the dimensions of a model, and checks that the file is complete.
///
/// # Errors
/// When whisper.cpp could not load the file; the text says why.
pub fn inspect(path: &Path) -> Result<WhisperHeader, GgmlError> {
    let file = plain_file::open(path).map_err(GgmlError::Read)?;
    let length = file.metadata().map_err(GgmlError::Read)?.len();
    inspect_reader(BufReader::new(file), length)
}

pub(super) fn inspect_reader(mut reader: impl Read + Seek, length: u64) -> Result<WhisperHeader, GgmlError> {
    let reader = &mut reader;
    match number(reader) {
        Ok(MAGIC) => {}
        Ok(_) | Err(GgmlError::CutOff) => return Err(GgmlError::NotGgml),
        Err(error) => return Err(error),
    }
    let header = read_header(reader)?;
    skip_filters(reader, header)?;
    read_vocabulary(reader, header)?;
    check_tensors(reader, length, header)?;
    Ok(header)
}

/// The next number, little endian.
fn number(reader: &mut impl Read) -> Result<u32, GgmlError> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn expect(what: &str, found: u32, allowed: bool) -> Result<u32, GgmlError> {
    if allowed { Ok(found) } else { Err(GgmlError::Invalid(format!("{what} is {found}"))) }
}

fn read_header(reader: &mut impl Read) -> Result<WhisperHeader, GgmlError> {
    let mut fields = [0; 11];
    for field in &mut fields {
        *field = number(reader)?;
    }
    let [
        vocabulary,
        audio_context,
        state,
        audio_heads,
        audio_layers,
        text_context,
        text_state,
        text_heads,
        text_layers,
        mels,
        stored,
    ] = fields;
    let file_type = stored % 1000;
    expect("its vocabulary", vocabulary, (51_864..=51_866).contains(&vocabulary))?;
    expect("its audio context", audio_context, audio_context == AUDIO_CONTEXT)?;
    expect("its text context", text_context, text_context == TEXT_CONTEXT)?;
    expect("its width", state, (32..=4096).contains(&state) && state % 32 == 0)?;
    expect("its decoder's width", text_state, text_state == state)?;
    for (what, heads) in [("its number of encoder heads", audio_heads), ("its number of decoder heads", text_heads)] {
        expect(what, heads, (1..=64).contains(&heads) && state % heads == 0)?;
    }
    for (what, layers) in [("its number of encoder blocks", audio_layers), ("its number of decoder blocks", text_layers)] {
        expect(what, layers, (1..=64).contains(&layers))?;
    }
    expect("its number of mel bands", mels, mels == 80 || mels == 128)?;
    // f32, f16, q4_0, q4_1, q8_0, q5_0, q5_1: what whisper.cpp's quantizer writes for Whisper.
    expect("its type of weights", stored, matches!(file_type, 0 | 1 | 2 | 3 | 7 | 8 | 9) && stored / 1000 <= 2)?;
    Ok(WhisperHeader { vocabulary, state, audio_heads, audio_layers, text_heads, text_layers, mels, file_type })
}

fn skip_filters(reader: &mut (impl Read + Seek), header: WhisperHeader) -> Result<(), GgmlError> {
    let (bands, bins) = (number(reader)?, number(reader)?);
    expect("its number of mel filters", bands, bands == header.mels)?;
    expect("the length of its mel filters", bins, bins == SPECTRUM)?;
    reader.seek_relative(i64::from(bands) * i64::from(bins) * 4).map_err(GgmlError::Read)
}

fn read_vocabulary(reader: &mut impl Read, header: WhisperHeader) -> Result<(), GgmlError> {
    let count = number(reader)?;
    expect("its number of written tokens", count, (1..=header.vocabulary).contains(&count))?;
    let mut has_space = false;
    let mut token = Vec::new();
    for _ in 0..count {
        let length = number(reader)?;
        expect("the length of a token", length, length <= LONGEST_TOKEN)?;
        token.resize(length as usize, 0);
        reader.read_exact(&mut token)?;
        has_space |= token == b" ";
    }
    // whisper.cpp looks it up unconditionally, and aborts the process when it is missing.
    if has_space { Ok(()) } else { Err(GgmlError::Invalid("its vocabulary has no space".to_owned())) }
}

fn check_tensors(reader: &mut (impl Read + Seek), length: u64, header: WhisperHeader) -> Result<(), GgmlError> {
    let mut missing = expected_tensors(header);
    let mut position = reader.stream_position().map_err(GgmlError::Read)?;
    if position > length {
        return Err(GgmlError::CutOff);
    }
    if position == length {
        return Err(GgmlError::Stub);
    }
    while position < length {
        if missing.is_empty() {
            return Err(GgmlError::Invalid("something comes behind its last tensor".to_owned()));
        }
        let (dimensions, name_length, kind) = (number(reader)?, number(reader)?, number(reader)?);
        expect("the number of a tensor's dimensions", dimensions, (1..=3).contains(&dimensions))?;
        expect("the length of a tensor's name", name_length, (1..=LONGEST_NAME).contains(&name_length))?;
        let mut shape = [1; 3];
        for size in shape.iter_mut().take(dimensions as usize) {
            *size = number(reader)?;
        }
        let mut name = vec![0; name_length as usize];
        reader.read_exact(&mut name)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        // Removing it also rejects a tensor that occurs twice: another one would be missing then, unnoticed by whisper.cpp.
        let Some(expected) = missing.remove(&name) else {
            return Err(GgmlError::Invalid(format!(
                "it has an unexpected tensor {:?}",
                name.chars().take(60).collect::<String>()
            )));
        };
        if (Tensor { shape, kind }) != expected {
            return Err(GgmlError::Invalid(format!("its tensor {name} has the wrong shape or type")));
        }
        let bytes = expected.bytes().ok_or_else(|| GgmlError::Invalid(format!("its tensor {name} has a wrong type")))?;
        position = reader.stream_position().map_err(GgmlError::Read)?.saturating_add(bytes);
        if position > length {
            return Err(GgmlError::CutOff);
        }
        reader.seek(SeekFrom::Start(position)).map_err(GgmlError::Read)?;
    }
    // The file may end exactly between two tensors.
    if missing.is_empty() { Ok(()) } else { Err(GgmlError::CutOff) }
}

/// A tensor's description in the file: the sizes, innermost first, and ggml's number of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tensor {
    shape: [u32; 3],
    kind: u32,
}

const F32: u32 = 0;
const F16: u32 = 1;

impl Tensor {
    fn bytes(self) -> Option<u64> {
        // The number of elements in a block, and the bytes of a block.
        let (block, size) = match self.kind {
            0 => (1, 4),
            1 => (1, 2),
            2 => (32, 18),
            3 => (32, 20),
            6 => (32, 22),
            7 => (32, 24),
            8 => (32, 34),
            _ => return None,
        };
        let elements: u64 = self.shape.iter().map(|&size| u64::from(size)).product();
        Some(elements / block * size)
    }
}

/// All tensors of a Whisper with these dimensions.
fn expected_tensors(header: WhisperHeader) -> HashMap<String, Tensor> {
    let width = header.state;
    // File types and tensor types are numbered differently.
    let matrix = match header.file_type {
        8 => 6,
        9 => 7,
        7 => 8,
        same => same,
    };
    let convolution = if matrix == F32 { F32 } else { F16 };
    let mut all = HashMap::new();
    let mut add = |name: String, shape: [u32; 3], kind: u32| {
        all.insert(name, Tensor { shape, kind });
    };
    for (part, context, layers) in
        [("encoder", AUDIO_CONTEXT, header.audio_layers), ("decoder", TEXT_CONTEXT, header.text_layers)]
    {
        add(format!("{part}.positional_embedding"), [width, context, 1], F32);
        let last = if part == "encoder" { "ln_post" } else { "ln" };
        let mut norms = vec![format!("{part}.{last}")];
        for block in (0..layers).map(|layer| format!("{part}.blocks.{layer}")) {
            norms.extend([format!("{block}.attn_ln"), format!("{block}.mlp_ln")]);
            let mut attentions = vec![format!("{block}.attn")];
            if part == "decoder" {
                norms.push(format!("{block}.cross_attn_ln"));
                attentions.push(format!("{block}.cross_attn"));
            }
            for (linear, from, to) in [("mlp.0", width, 4 * width), ("mlp.2", 4 * width, width)] {
                add(format!("{block}.{linear}.weight"), [from, to, 1], matrix);
                add(format!("{block}.{linear}.bias"), [to, 1, 1], F32);
            }
            for attention in attentions {
                for linear in ["query", "key", "value", "out"] {
                    add(format!("{attention}.{linear}.weight"), [width, width, 1], matrix);
                    if linear != "key" {
                        add(format!("{attention}.{linear}.bias"), [width, 1, 1], F32);
                    }
                }
            }
        }
        for norm in norms {
            add(format!("{norm}.weight"), [width, 1, 1], F32);
            add(format!("{norm}.bias"), [width, 1, 1], F32);
        }
    }
    for (name, inputs) in [("encoder.conv1", header.mels), ("encoder.conv2", width)] {
        add(format!("{name}.weight"), [3, inputs, width], convolution);
        add(format!("{name}.bias"), [1, width, 1], F32);
    }
    add("decoder.token_embedding.weight".to_owned(), [width, header.vocabulary, 1], matrix);
    all
}

#[cfg(test)]
#[path = "ggml_tests.rs"]
mod tests;
