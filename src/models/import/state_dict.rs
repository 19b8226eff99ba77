//! What the pickle of a state dict is about: the names that it mentions, and the places of tensors.
//!
//! Pure checks: a place that is made here lies within its file, as far as the pickle says how long that is.
//!
//! Source: PyTorch, `torch/_utils.py` (`_rebuild_tensor_v2`) and `torch/serialization.py` (`persistent_id`).

use super::error::printable;

/// Convolutions over two dimensions have four.
const HIGHEST_RANK: usize = 4;

/// Names of PyTorch and pyannote whose objects are settings: made in the checkpoint, never needed here.
const INERT: [&str; 4] = [
    "torch.torch_version TorchVersion",
    "pyannote.audio.core.task Specifications",
    "pyannote.audio.core.task Problem",
    "pyannote.audio.core.task Resolution",
];

/// The number type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Float32,
    Int64,
}

/// Where the numbers of a tensor are: `shape` numbers in a row, from `offset` on, in the file named `storage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorPlace {
    pub(super) number: Number,
    /// The name of the file below `data/`.
    pub(super) storage: String,
    /// The count of numbers in that file.
    pub(super) stored: u64,
    /// The first number in that file.
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
}

/// A name that a state dict may mention.
#[derive(Debug, Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    Storage(Number),
    /// An object of settings.
    Inert,
}

impl Global {
    /// The name, with a space between module and object.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "collections OrderedDict" => Self::OrderedDict,
            "torch._utils _rebuild_tensor_v2" => Self::RebuildTensor,
            "torch FloatStorage" => Self::Storage(Number::Float32),
            "torch LongStorage" => Self::Storage(Number::Int64),
            inert if INERT.contains(&inert) => Self::Inert,
            other => return Err(format!("its pickle wants to run {}", printable(other))),
        })
    }
}

/// A file of numbers.
pub(super) struct Storage {
    number: Number,
    name: String,
    count: u64,
}

impl Storage {
    /// The file below `data/` of this name, with `count` numbers.
    pub(super) fn new(number: Number, name: &str, count: i64) -> Result<Self, String> {
        let is_plain = (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
        match u64::try_from(count) {
            Ok(count) if is_plain => Ok(Self { number, name: name.to_owned(), count }),
            Ok(_) | Err(_) => Err(odd_storage()),
        }
    }

    /// The tensor of this shape that begins at `offset`. Its numbers must be in a row.
    pub(super) fn tensor(&self, offset: i64, shape: &[i64], strides: &[i64]) -> Result<TensorPlace, String> {
        let whole = |number: &i64| u64::try_from(*number).map_err(|_| odd_tensor());
        let offset = whole(&offset)?;
        let (shape, strides) =
            (shape.iter().map(whole).collect::<Result<Vec<_>, _>>()?, strides.iter().map(whole).collect::<Result<Vec<_>, _>>()?);
        if shape.len() != strides.len() || shape.len() > HIGHEST_RANK {
            return Err(odd_tensor());
        }
        let mut count = 1_u64;
        for (size, stride) in shape.iter().zip(&strides).rev() {
            // The step of a dimension of one number is never taken.
            if *size != 1 && *stride != count {
                return Err("its pickle has a tensor whose numbers are not in a row".to_owned());
            }
            count = count.checked_mul(*size).ok_or_else(odd_tensor)?;
        }
        if count.checked_add(offset).is_none_or(|end| end > self.count) {
            return Err("its pickle has a tensor that is larger than its storage".to_owned());
        }
        Ok(TensorPlace { number: self.number, storage: self.name.clone(), stored: self.count, offset, shape })
    }
}

/// The reason when a storage has other arguments than PyTorch writes.
pub(super) fn odd_storage() -> String {
    "its pickle has an odd storage".to_owned()
}

/// The reason when a tensor has other arguments than PyTorch writes.
pub(super) fn odd_tensor() -> String {
    "its pickle has an odd tensor".to_owned()
}
