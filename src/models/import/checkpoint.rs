//! A PyTorch checkpoint: an uncompressed zip of raw numbers, and a pickle that says which tensor is where.
//!
//! The pickle is read by [`super::pickle`], which runs nothing. The numbers are taken from the zip as bytes, one tensor at a time,
//! and only for tensors that a network asks for, by name and shape. Memory is never reserved for a size that is only claimed:
//! entries must be stored without compression and lie within the file.
//!
//! Source: PyTorch, `torch/serialization.py` (`_save`): `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use zip::{CompressionMethod, ZipArchive};

use super::error::{ImportError, printable};
use super::pickle;
use super::state_dict::{Number, TensorPlace};

/// The largest checkpoint that is read, in bytes; the known ones have 6 and 28 MB.
pub(super) const LARGEST: u64 = 64 << 20;
/// The name of the pickle, after the name of the checkpoint's folder.
pub(super) const PICKLE: &str = "/data.pkl";

/// A checkpoint whose pickle has been read; its numbers are still in the file.
pub(super) struct Checkpoint<R> {
    zip: ZipArchive<R>,
    /// The length of the file in bytes, which no entry may exceed.
    length: u64,
    /// The folder of all entries.
    folder: String,
    tensors: BTreeMap<String, TensorPlace>,
    used: BTreeSet<String>,
}

impl<R: Read + Seek> Checkpoint<R> {
    /// Reads the names and places of the tensors.
    pub(super) fn open(source: R, length: u64) -> Result<Self, ImportError> {
        let zip = ZipArchive::new(source).map_err(|error| unreadable(&error))?;
        let names: Vec<String> = zip.file_names().filter_map(Result::ok).map(std::borrow::Cow::into_owned).collect();
        let mut pickles = names.iter().filter_map(|name| name.strip_suffix(PICKLE));
        let folder = match (pickles.next(), pickles.next()) {
            (Some(folder), None) => folder.to_owned(),
            (None, _) => return Err(refused("there is no data.pkl in it".to_owned())),
            (Some(_), Some(_)) => return Err(refused("there is more than one data.pkl in it".to_owned())),
        };
        let mut checkpoint = Self { zip, length, folder, tensors: BTreeMap::new(), used: BTreeSet::new() };
        let order = format!("{}/byteorder", checkpoint.folder);
        if names.contains(&order) && checkpoint.entry(&order, 16)? != b"little" {
            return Err(refused("its numbers are not little endian".to_owned()));
        }
        let pickle = checkpoint.entry(&format!("{}{PICKLE}", checkpoint.folder), pickle::LONGEST)?;
        checkpoint.tensors = pickle::tensors(&pickle).map_err(refused)?;
        Ok(checkpoint)
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The numbers of the tensor with this name and shape.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ImportError> {
        let place = self.tensors.get(name).ok_or_else(|| refused(format!("{name} is missing")))?.clone();
        if !place.shape.iter().copied().eq(shape.iter().map(|size| *size as u64)) {
            return Err(refused(format!("{name} has the shape {:?} instead of {shape:?}", place.shape)));
        }
        if place.number != Number::Float32 {
            return Err(refused(format!("{name} does not hold float32 numbers")));
        }
        self.used.insert(name.to_owned());
        let count = shape.iter().product::<usize>();
        let numbers = self.numbers(&place, count)?;
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(refused(format!("{name} holds a number that is not finite")));
        }
        Ok(numbers)
    }

    /// Checks that every tensor has been used, apart from counters and those that `ignored` names: one that is left over means that
    /// this is another network.
    pub(super) fn expect_all_used(&self, ignored: &[&str]) -> Result<(), ImportError> {
        let left = |name: &&String| {
            !self.used.contains(*name) && !name.ends_with(".num_batches_tracked") && !ignored.contains(&name.as_str())
        };
        match self.tensors.keys().find(left) {
            Some(name) => Err(refused(format!("it has a weight {} that this network does not have", printable(name)))),
            None => Ok(()),
        }
    }

    fn numbers(&mut self, place: &TensorPlace, count: usize) -> Result<Vec<f32>, ImportError> {
        let name = format!("{}/data/{}", self.folder, place.storage);
        let length = self.length;
        let mut entry = self.zip.by_name(&name).map_err(|error| unreadable(&error))?;
        let bytes = plain_size(&entry, length)?;
        // The pickle has been checked: offset and count lie within `stored` numbers.
        if place.stored.checked_mul(4) != Some(bytes) {
            return Err(refused(format!("{} has {bytes} bytes and not {} numbers", printable(&name), place.stored)));
        }
        let failed = |error: std::io::Error| unreadable(&error);
        let skipped = std::io::copy(&mut entry.by_ref().take(4 * place.offset), &mut std::io::sink()).map_err(failed)?;
        if skipped != 4 * place.offset {
            return Err(refused(format!("{} ends early", printable(&name))));
        }
        let mut raw = vec![0; 4 * count];
        entry.read_exact(&mut raw).map_err(failed)?;
        // To the end, where the checksum is compared.
        std::io::copy(&mut entry, &mut std::io::sink()).map_err(failed)?;
        Ok(raw.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }

    /// The content of an entry of at most `most` bytes.
    fn entry(&mut self, name: &str, most: u64) -> Result<Vec<u8>, ImportError> {
        let length = self.length;
        let mut entry = self.zip.by_name(name).map_err(|error| unreadable(&error))?;
        if plain_size(&entry, length)? > most {
            return Err(refused(format!("{} is too large", printable(name))));
        }
        let mut content = Vec::new();
        entry.by_ref().take(most).read_to_end(&mut content).map_err(|error| unreadable(&error))?;
        Ok(content)
    }
}

/// The error of a library, which may quote names from the file.
fn unreadable(error: &dyn std::error::Error) -> ImportError {
    refused(printable(&error.to_string()))
}

/// The size of an entry, which must be stored as it is and lie within the file.
fn plain_size<R: Read>(entry: &zip::read::ZipFile<'_, R>, length: u64) -> Result<u64, ImportError> {
    let size = entry.size();
    if entry.compression() != CompressionMethod::Stored || entry.compressed_size() != size {
        return Err(refused("it is compressed, which PyTorch never does".to_owned()));
    }
    if size > length {
        return Err(refused("it claims to hold more than its file".to_owned()));
    }
    Ok(size)
}

/// The error for a checkpoint that is not accepted.
pub(super) fn refused(reason: String) -> ImportError {
    ImportError::Checkpoint(reason)
}
