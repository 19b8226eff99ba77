//! Tells a model from a stub, a broken download or a file of another kind, without loading it.
//!
//! Reads headers only: for a ggml Whisper file the sizes, the vocabulary's lengths and the head of each tensor, which is
//! enough to know that it is whole. Never follows a length without checking it against the file's size.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::import::ggml::MAGIC;
use super::{ModelKind, WhisperTraits};

/// What a usable file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inspection {
    pub(super) size_bytes: u64,
    pub(super) whisper: Option<WhisperTraits>,
}

/// Looks at a file; the error is the reason, in a few words, why it is passed over.
pub(super) fn inspect(kind: ModelKind, path: &Path) -> Result<Inspection, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let size_bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let mut head = Vec::new();
    (&file).take(64).read_to_end(&mut head).map_err(|error| error.to_string())?;
    if let Some(reason) = no_model(&head) {
        return Err(reason.to_owned());
    }
    let mut walk = Walk { file: BufReader::new(file), left: size_bytes };
    let whisper = match kind {
        ModelKind::Whisper => Some(walk.whisper()?),
        ModelKind::Vad if path.extension().is_some_and(|extension| extension == "bin") => {
            if !head.starts_with(&MAGIC.to_le_bytes()) {
                return Err("not a ggml model".to_owned());
            }
            None
        }
        ModelKind::Segmentation | ModelKind::Speaker | ModelKind::Vad => None,
    };
    Ok(Inspection { size_bytes, whisper })
}

/// What downloads leave when they go wrong.
fn no_model(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        Some("an empty file")
    } else if head.starts_with(b"version https://git-lfs") {
        Some("a Git LFS pointer: the model itself has not been downloaded")
    } else if head.starts_with(b"<") || head.starts_with(b"{") {
        Some("text, not a model: a download that went wrong")
    } else {
        None
    }
}

struct Walk {
    file: BufReader<File>,
    left: u64,
}

/// ggml's types with the bytes and the numbers of a block (ggml.c, `type_traits`).
fn block(type_code: u32) -> Option<(u64, u64)> {
    Some(match type_code {
        0 => (4, 1),
        1 => (2, 1),
        2 => (18, 32),
        3 => (20, 32),
        6 => (22, 32),
        7 => (24, 32),
        8 => (34, 32),
        10 => (84, 256),
        11 => (110, 256),
        12 => (144, 256),
        13 => (176, 256),
        14 => (210, 256),
        _ => return None,
    })
}

const CUT_OFF: &str = "cut off: a download or copy that did not end";

impl Walk {
    /// Layout: `models::import::ggml`.
    fn whisper(&mut self) -> Result<WhisperTraits, String> {
        use std::io::Seek as _;
        self.file.rewind().map_err(|error| error.to_string())?;
        let header: [u32; 12] = self.numbers()?;
        let [magic, vocabulary, _, _, _, encoder_layers, _, _, _, decoder_layers, mels, file_type] = header;
        if magic != MAGIC {
            return Err("not a ggml model".to_owned());
        }
        let plausible = (51_864..60_000).contains(&vocabulary) && matches!(mels, 80 | 128);
        if !plausible || !(1..=64).contains(&encoder_layers) || !(1..=64).contains(&decoder_layers) {
            return Err("not a Whisper model".to_owned());
        }
        let [bands, bins] = self.numbers()?;
        self.skip(u64::from(bands) * u64::from(bins) * 4)?;
        let [tokens] = self.numbers()?;
        if tokens > vocabulary {
            return Err("not a Whisper model".to_owned());
        }
        for _ in 0..tokens {
            let [length] = self.numbers()?;
            self.skip(u64::from(length))?;
        }
        if self.left == 0 {
            return Err("a stub: it has a vocabulary, but no weights".to_owned());
        }
        // 11 outside the blocks, 15 to a block of the encoder and 24 to one of the decoder (whisper.cpp).
        for _ in 0..11 + 15 * encoder_layers + 24 * decoder_layers {
            self.tensor()?;
        }
        if self.left != 0 {
            return Err("longer than a Whisper model of its sizes".to_owned());
        }
        let multilingual = vocabulary > 51_864;
        // Above a thousand stands the version of the quantization.
        Ok(WhisperTraits { multilingual, encoder_layers, decoder_layers, file_type: file_type % 1000 })
    }

    fn tensor(&mut self) -> Result<(), String> {
        let [dimensions, name_length, type_code] = self.numbers()?;
        let (bytes, numbers) = block(type_code).ok_or("a number type that is not known")?;
        if dimensions > 4 {
            return Err("not a Whisper model".to_owned());
        }
        let mut count = 1_u64;
        for _ in 0..dimensions {
            let [size] = self.numbers()?;
            count = count.checked_mul(u64::from(size)).ok_or(CUT_OFF)?;
        }
        self.skip(u64::from(name_length))?;
        self.skip((count / numbers).checked_mul(bytes).ok_or(CUT_OFF)?)
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u32; N], String> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            self.left = self.left.checked_sub(4).ok_or(CUT_OFF)?;
            self.file.read_exact(&mut bytes).map_err(|error| read_failed(&error))?;
            *number = u32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or(CUT_OFF)?;
        let distance = i64::try_from(bytes).map_err(|_| CUT_OFF)?;
        self.file.seek_relative(distance).map_err(|error| read_failed(&error))
    }
}

fn read_failed(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof { CUT_OFF.to_owned() } else { error.to_string() }
}
