//! The enrolled voices: one JSON file each in `models/embeddings/` of the volume.
//!
//! ```json
//! {"voice_id": "9f0c…", "name": "Alice", "model": "ge2e-256", "vectors": [[0.01, …]], "contact_uid": null,
//!  "created_at": "2026-11-20T12:00:00Z"}
//! ```
//!
//! `name`, `model` (the speaker model that made the vectors) and `vectors` are required; a vector is scaled to length 1 when it
//! is read. Files that cannot be used are skipped with a warning.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::plain_file;
use crate::voiceprint::normalize;

/// Limits for files of voices; a real one has a few vectors of a few hundred numbers.
const MOST_BYTES: u64 = 1024 * 1024;
const MOST_VOICES: usize = 10_000;
const MOST_NUMBERS: usize = 4096;
const MOST_VECTORS: usize = 100;
const MOST_NAME_CHARS: usize = 200;
/// The most numbers of all voices together: 64 MiB, twice as many as 10,000 voices with three vectors of 256.
const MOST_NUMBERS_OF_ALL: usize = 16_000_000;
/// The most warnings about single files; they are in every result.
const MOST_WARNINGS: usize = 20;

/// The embeddings of an enrolled person.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    pub name: String,
    /// The speaker model that made the vectors.
    pub model: String,
    /// At least one, each of Euclidean length 1.
    pub vectors: Vec<Vec<f32>>,
    /// Path of the file, relative to the volume.
    pub file: String,
}

#[derive(Deserialize)]
struct VoiceFile {
    name: String,
    model: String,
    vectors: Vec<Vec<f32>>,
}

/// Why a file cannot be used as a voice.
#[derive(Debug, thiserror::Error)]
pub enum InvalidVoice {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file is larger than any real voice.
    #[error("it is larger than {MOST_BYTES} bytes")]
    TooLarge,
    /// The file is not JSON with the required fields.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// A field has a value that is not allowed.
    #[error("{0}")]
    Nonsense(&'static str),
}

/// The usable voices, and warnings about the others.
#[derive(Debug, Default)]
pub struct Library {
    /// Sorted by file name.
    pub voices: Vec<Voice>,
    /// One sentence for each file that was skipped.
    pub warnings: Vec<String>,
}

impl Library {
    /// Reads all voices in a folder; a missing folder is an empty one.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let mut library = Self::default();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return library,
            Err(error) => {
                library.warnings.push(format!("the enrolled voices cannot be read: {error}"));
                return library;
            }
        };
        let mut paths: Vec<_> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
        paths.sort();
        if paths.len() > MOST_VOICES {
            library.warnings.push(format!("only the first {MOST_VOICES} of {} enrolled voices were compared", paths.len()));
            paths.truncate(MOST_VOICES);
        }
        let (mut numbers, mut unusable) = (0, 0);
        for (place, path) in paths.iter().enumerate() {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match read_voice(path, &file) {
                Ok(voice) => {
                    numbers += voice.vectors.iter().map(Vec::len).sum::<usize>();
                    if numbers > MOST_NUMBERS_OF_ALL {
                        let warning = format!(
                            "only the first {place} of {} enrolled voices were compared: they are too large",
                            paths.len()
                        );
                        library.warnings.push(warning);
                        break;
                    }
                    library.voices.push(voice);
                }
                Err(error) => {
                    unusable += 1;
                    if unusable <= MOST_WARNINGS {
                        library.warnings.push(format!("the enrolled voice {file} was passed over: {error}"));
                    }
                }
            }
        }
        if unusable > MOST_WARNINGS {
            library.warnings.push(format!("{} more enrolled voices were passed over", unusable - MOST_WARNINGS));
        }
        library
    }
}

fn read_voice(path: &Path, file: &str) -> Result<Voice, InvalidVoice> {
    let bytes = match plain_file::read(&plain_file::open(path)?, MOST_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(InvalidVoice::TooLarge),
        read => read?,
    };
    let mut voice: VoiceFile = serde_json::from_slice(&bytes)?;
    let length = voice.name.trim().chars().count();
    if length == 0 || length > MOST_NAME_CHARS {
        return Err(InvalidVoice::Nonsense("its name is empty or too long"));
    }
    if voice.model.chars().count() > MOST_NAME_CHARS || voice.vectors.len() > MOST_VECTORS {
        return Err(InvalidVoice::Nonsense("the name of its model is too long, or it has too many vectors"));
    }
    if voice.vectors.is_empty() || voice.vectors.iter().any(|vector| vector.is_empty() || vector.len() > MOST_NUMBERS) {
        return Err(InvalidVoice::Nonsense("it has no vector, or one that is empty or too long"));
    }
    if !voice.vectors.iter_mut().all(|vector| normalize(vector)) {
        return Err(InvalidVoice::Nonsense("a vector has no direction"));
    }
    let file = format!("models/embeddings/{file}");
    Ok(Voice { name: voice.name.trim().to_owned(), model: voice.model, vectors: voice.vectors, file })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write voices")]
mod tests {
    use super::*;

    #[test]
    fn usable_voices_are_read_and_the_others_are_warned_about() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.json", r#"{"name": " Alice ", "model": "m", "vectors": [[3, 4]], "contact_uid": null, "created_at": "x"}"#);
        write("b.json", r#"{"name": "Bob", "model": "m", "vectors": [[0, 0]]}"#);
        write("c.json", "{");
        write("d.json", r#"{"name": "", "model": "m", "vectors": [[1]]}"#);
        write("e.json", &" ".repeat(2_000_000));
        write("notes.txt", "nothing");
        let library = Library::read(folder.path());
        assert_eq!(library.voices.len(), 1);
        assert_eq!(library.voices[0].name, "Alice");
        assert_eq!(library.voices[0].file, "models/embeddings/a.json");
        assert!((library.voices[0].vectors[0][0] - 0.6).abs() < 1e-6);
        assert_eq!(library.warnings.len(), 4, "{:?}", library.warnings);
    }

    #[test]
    fn hostile_voices_are_passed_over_without_waiting_and_with_few_warnings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.json")).unwrap();
        let pipe = folder.path().join("pipe.json");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        write("deep.json", &format!(r#"{{"name": "n", "model": "m", "vectors": {}"#, "[".repeat(500_000)));
        write("infinite.json", r#"{"name": "n", "model": "m", "vectors": [[1e39]]}"#);
        write("many.json", &format!(r#"{{"name": "n", "model": "m", "vectors": [{}[1]]}}"#, "[1],".repeat(200_000)));
        write("model.json", &format!(r#"{{"name": "n", "model": "{}", "vectors": [[1]]}}"#, "m".repeat(500_000)));
        let library = Library::read(folder.path());
        assert_eq!((library.voices.len(), library.warnings.len()), (0, 6), "{:?}", library.warnings);
        assert_eq!(
            library.warnings[2],
            "the enrolled voice infinite.json was passed over: number out of range at line 1 column 45"
        );
        assert_eq!(library.warnings[5], "the enrolled voice pipe.json was passed over: it cannot be read: it is no plain file");
        for number in 0..50 {
            write(&format!("z{number}.json"), "{");
        }
        let warnings = Library::read(folder.path()).warnings;
        assert_eq!((warnings.len(), warnings[20].as_str()), (21, "36 more enrolled voices were passed over"));
    }

    #[test]
    fn a_missing_folder_holds_no_voices() {
        let library = Library::read(Path::new("/nonexistent"));
        assert!(library.voices.is_empty() && library.warnings.is_empty());
    }
}
