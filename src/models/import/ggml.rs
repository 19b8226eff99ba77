//! Writes a ggml Whisper file, as whisper.cpp's `whisper_model_load` reads it.
//!
//! Magic number and eleven sizes; the mel filters; the text tokens; then each tensor: number of dimensions, length of the name,
//! type, sizes (innermost first), name, data. All integers have 32 bits, little endian.

use std::io::{Read, Seek, Write};

use super::dimensions::Dimensions;
use super::error::ImportError;
use super::layout::{Layout, Storage, Tensor};
use super::mel;
use super::tensor::{ConvertError, Encoding, convert, is_zero};
use super::tensor_type::TensorType;
use crate::models::ggml::MAGIC;

/// The content of the file, except for the weights.
pub(super) struct Model<'a> {
    pub(super) dimensions: &'a Dimensions,
    pub(super) tokens: &'a [Vec<u8>],
    pub(super) layout: &'a Layout,
    pub(super) tensor_type: TensorType,
}

impl Model<'_> {
    /// Writes the file with the weights from `source`.
    pub(super) fn write(&self, source: &mut (impl Read + Seek), target: &mut impl Write) -> Result<(), ConvertError> {
        for (name, stretch) in &self.layout.zeros {
            if !is_zero(source, *stretch)? {
                let reason = format!("the keys have a bias ({name}), which Whisper's have not");
                return Err(ConvertError::Source(ImportError::Unsupported(reason)));
            }
        }
        self.write_header(target).map_err(ConvertError::Write)?;
        for tensor in &self.layout.tensors {
            let encoding = self.encoding(tensor.storage);
            write_tensor_header(tensor, encoding, target).map_err(ConvertError::Write)?;
            convert(source, tensor.stretch, encoding, target)?;
        }
        Ok(())
    }

    fn encoding(&self, storage: Storage) -> Encoding {
        match (storage, self.tensor_type) {
            (Storage::Float32, _) => Encoding::Float32,
            (Storage::Float16, _) | (Storage::Weight, TensorType::F16) => Encoding::Float16,
            (Storage::Weight, TensorType::Q8_0) => Encoding::Quantized8,
        }
    }

    fn write_header(&self, target: &mut impl Write) -> std::io::Result<()> {
        let sizes = self.dimensions;
        let header = [
            MAGIC,
            sizes.vocabulary,
            sizes.audio_context,
            sizes.state,
            sizes.audio_heads,
            sizes.audio_layers,
            sizes.text_context,
            sizes.state,
            sizes.text_heads,
            sizes.text_layers,
            sizes.mels,
            self.tensor_type.file_type(),
            sizes.mels,
            mel::BINS as u32,
        ];
        write_numbers(&header, target)?;
        for value in mel::filters(sizes.mels as usize) {
            target.write_all(&value.to_le_bytes())?;
        }
        write_numbers(&[self.tokens.len() as u32], target)?;
        for token in self.tokens {
            write_numbers(&[token.len() as u32], target)?;
            target.write_all(token)?;
        }
        Ok(())
    }
}

fn write_tensor_header(tensor: &Tensor, encoding: Encoding, target: &mut impl Write) -> std::io::Result<()> {
    write_numbers(&[tensor.sizes.len() as u32, tensor.name.len() as u32, encoding.code()], target)?;
    write_numbers(&tensor.sizes, target)?;
    target.write_all(tensor.name.as_bytes())
}

fn write_numbers(numbers: &[u32], target: &mut impl Write) -> std::io::Result<()> {
    numbers.iter().try_for_each(|number| target.write_all(&number.to_le_bytes()))
}
