//! Entry points of the fuzz targets for files that are read back from the volume; compiled only for fuzzing.

use std::path::Path;
use std::sync::OnceLock;

use super::disk::Disk;
use super::place::Place;
use super::seal::{Mark, Seal};
use super::{checkpoints, keys, looks, naming, record, speed};
use crate::jobs::JobId;

/// Reads a record; what was read can be written and is the same job when it is read again.
///
/// # Panics
/// When it is another one, or counts as sealed.
pub fn record(bytes: &[u8]) {
    static SEAL: OnceLock<Seal> = OnceLock::new();
    let nowhere = Path::new("/nonexistent");
    let seal = SEAL.get_or_init(|| Seal::open(&Disk::below(nowhere), nowhere).expect("without a file there is a new secret"));
    assert_ne!(seal.mark(bytes), Mark::Own, "the secret cannot be known");
    let _only_in_temp = record::origin(bytes);
    let Ok(job) = record::decode(bytes) else { return };
    let again = record::decode(&record::encode(&job)).expect("what was written can be read");
    assert_eq!((&again.id, &again.options, &again.state), (&job.id, &job.options, &job.state));
    assert_eq!((again.priority, again.sequence, again.attempts), (job.priority, job.sequence, job.attempts));
    assert_eq!((again.created_at, again.file.size_bytes), (job.created_at, job.file.size_bytes));
}

/// Reads the checkpoints of a job; the pieces that count.
///
/// # Panics
/// When more counts than is there.
pub fn checkpoints(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (pieces, good) = checkpoints::parse(bytes, "callannotate checkpoints 1 seed");
    assert!(good <= bytes.len() as u64, "more is good than is there");
    pieces
}

/// Reads the notes in `temp/`: of names to be given, and of what was being examined.
///
/// # Panics
/// When a name would lie in another folder.
pub fn notes(bytes: &[u8]) {
    let _form = naming::form(bytes);
    let _look = looks::decode(bytes);
    if let Ok(filename) = std::str::from_utf8(bytes) {
        for name in naming::candidates(filename, JobId::random()) {
            assert!(!name.contains(['/', '\0']) && name.len() <= 255, "{name:?} is no name");
        }
    }
}

/// Reads the key file.
pub fn keys(bytes: &[u8]) {
    let _keys = keys::parse(bytes);
}

/// Reads the speed of the last jobs.
pub fn speed(bytes: &[u8]) {
    let _speed = speed::decode(bytes);
}

/// Reads the place of a file in `incoming/`; it is written as the same again, and lies there.
///
/// # Panics
/// When it is another place, or leads out of the folder.
pub fn place(text: &str) {
    let Some(place) = Place::decode(text) else { return };
    assert_eq!(Place::decode(&place.encode()).as_ref(), Some(&place));
    let path = place.path(Path::new("/incoming"));
    assert!(path.components().count() <= 4 && path.starts_with("/incoming"), "{}", path.display());
    assert!(path.components().all(|part| !matches!(part, std::path::Component::ParentDir)), "{}", path.display());
}
