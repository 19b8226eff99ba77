//! The table of contents of a CTranslate2 `model.bin`, binary version 6.
//!
//! Layout (CTranslate2, `python/ctranslate2/specs/model_spec.py`), little endian: u32 version, string name of the
//! specification, u32 its revision, u32 number of variables; each: string name, u8 rank, u32 per dimension, u8 element type,
//! u32 number of bytes, the data; then u32 number of aliases, each two strings. A string is a u16 length, which includes its
//! terminating zero, and the bytes.
//!
//! Only the table is kept, never the data, so a model of gigabytes takes kilobytes of memory. Every length is checked against the
//! rest of the file before memory is reserved for it, because the file is not trusted.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::{ImportError, printable};
use super::shared_file::SharedFile;

/// The file of weights in a model's folder.
pub(super) const WEIGHTS: &str = "model.bin";
/// The most bytes of a file beside the weights; the largest vocabulary of a Whisper model takes 4 MB.
pub(super) const COMPANION_LIMIT: u64 = 32 << 20;

const VERSION: u32 = 6;
/// The largest Whisper has 1,260 variables.
const MOST_VARIABLES: u32 = 1 << 14;
const LONGEST_NAME: u16 = 256;
/// Convolutions have three dimensions; nothing has more.
const HIGHEST_RANK: u8 = 4;

/// A reader that moves forward only and can skip data.
pub(super) trait Forward: Read {
    /// Skips `bytes`. Skipping beyond the end may succeed; the next read fails then.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

impl Forward for SharedFile {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.skip_ahead(bytes)
    }
}

/// A stream that cannot seek, such as an entry of an archive.
pub(super) struct Stream<R>(pub(super) R);

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Forward for Stream<R> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.0.by_ref().take(bytes), &mut io::sink())?;
        if passed == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The number type of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Element {
    Float32,
    Int8,
    Int16,
    Int32,
    Float16,
    BFloat16,
}

impl Element {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Float32,
            1 => Self::Int8,
            2 => Self::Int16,
            3 => Self::Int32,
            4 => Self::Float16,
            5 => Self::BFloat16,
            _ => return None,
        })
    }

    /// The size of one number in bytes.
    pub(super) fn width(self) -> u64 {
        match self {
            Self::Int8 => 1,
            Self::Int16 | Self::Float16 | Self::BFloat16 => 2,
            Self::Float32 | Self::Int32 => 4,
        }
    }

    /// CTranslate2's name of the type.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }
}

/// One variable: its type, its shape, and the place of its data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub(super) shape: Vec<u64>,
    pub(super) element: Element,
    /// Offset of the data from the start of the file, in bytes.
    pub(super) offset: u64,
    /// The value, for integers without dimensions.
    pub(super) scalar: Option<i32>,
}

/// The table of contents. Every variable in it lies within the file and has as many bytes as its shape requires.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) specification: String,
    pub(super) revision: u32,
    pub(super) variables: BTreeMap<String, Variable>,
    aliases: BTreeMap<String, String>,
}

impl Contents {
    /// Reads the table of contents of a file of `length` bytes, to the end of the file.
    pub(super) fn read(source: &mut impl Forward, length: u64) -> Result<Self, ImportError> {
        let mut reader = Reader { source, position: 0, length };
        let version = reader.u32()?;
        if version != VERSION {
            return Err(ImportError::Unsupported(format!("its binary version is {version}, and only {VERSION} is read")));
        }
        let specification = reader.string()?;
        let revision = reader.u32()?;
        let count = reader.u32()?;
        if count > MOST_VARIABLES {
            return Err(ImportError::Damaged(format!("it claims to have {count} variables")));
        }
        let mut variables = BTreeMap::new();
        for _ in 0..count {
            let name = reader.string()?;
            let variable = reader.variable(&name)?;
            if variables.insert(name.clone(), variable).is_some() {
                return Err(ImportError::Damaged(format!("the variable {} is there twice", printable(&name))));
            }
        }
        let count = reader.u32()?;
        if count > MOST_VARIABLES {
            return Err(ImportError::Damaged(format!("it claims to have {count} aliases")));
        }
        let mut aliases = BTreeMap::new();
        for _ in 0..count {
            let (alias, target) = (reader.string()?, reader.string()?);
            if variables.contains_key(&alias) || !variables.contains_key(&target) {
                return Err(ImportError::Damaged(format!("the alias {} leads nowhere", printable(&alias))));
            }
            if aliases.insert(alias.clone(), target).is_some() {
                return Err(ImportError::Damaged(format!("the alias {} is there twice", printable(&alias))));
            }
        }
        if reader.position != length {
            return Err(ImportError::Damaged(format!("{} bytes follow its end", length - reader.position)));
        }
        Ok(Self { specification, revision, variables, aliases })
    }

    /// The variable of this name, and the name under which it is stored: CTranslate2 stores equal variables once, with aliases.
    pub(super) fn find(&self, name: &str) -> Option<(&str, &Variable)> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.variables.get_key_value(name).map(|(name, variable)| (name.as_str(), variable))
    }
}

struct Reader<'a, S> {
    source: &'a mut S,
    position: u64,
    length: u64,
}

impl<S: Forward> Reader<'_, S> {
    /// Checks that this many bytes are left; must precede every read, skip and allocation.
    fn claim(&mut self, bytes: u64) -> Result<(), ImportError> {
        if bytes > self.length - self.position {
            return Err(ImportError::Damaged("it ends early".to_owned()));
        }
        self.position += bytes;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(ImportError::from_read)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, ImportError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn string(&mut self) -> Result<String, ImportError> {
        let length = u16::from_le_bytes(self.bytes()?);
        if length == 0 || length > LONGEST_NAME {
            return Err(ImportError::Damaged(format!("a name of {length} bytes")));
        }
        self.claim(u64::from(length))?;
        let mut bytes = vec![0; usize::from(length)];
        self.source.read_exact(&mut bytes).map_err(ImportError::from_read)?;
        if bytes.pop() != Some(0) || bytes.contains(&0) {
            return Err(ImportError::Damaged("a name without its closing zero".to_owned()));
        }
        String::from_utf8(bytes).map_err(|_| ImportError::Damaged("a name that is not text".to_owned()))
    }

    fn variable(&mut self, name: &str) -> Result<Variable, ImportError> {
        let damaged = |what: String| ImportError::Damaged(format!("the variable {} {what}", printable(name)));
        let [rank] = self.bytes()?;
        if rank > HIGHEST_RANK {
            return Err(damaged(format!("has {rank} dimensions")));
        }
        let shape = (0..rank).map(|_| self.u32().map(u64::from)).collect::<Result<Vec<_>, _>>()?;
        let [code] = self.bytes()?;
        let element = Element::from_code(code).ok_or_else(|| damaged(format!("is of the unknown type {code}")))?;
        let bytes = u64::from(self.u32()?);
        let expected = shape.iter().try_fold(element.width(), |product, &size| product.checked_mul(size));
        if expected != Some(bytes) {
            return Err(damaged(format!("has {bytes} bytes, which is not what its shape {shape:?} of {} takes", element.name())));
        }
        let offset = self.position;
        let scalar = match (rank, element) {
            (0, Element::Int8) => Some(i32::from(i8::from_le_bytes(self.bytes()?))),
            (0, Element::Int16) => Some(i32::from(i16::from_le_bytes(self.bytes()?))),
            (0, Element::Int32) => Some(i32::from_le_bytes(self.bytes()?)),
            _ => {
                self.claim(bytes)?;
                self.source.skip(bytes).map_err(ImportError::from_read)?;
                None
            }
        };
        Ok(Variable { shape, element, offset, scalar })
    }
}
