//! Notes about models that were not in use before: a model file that ends the process is passed over at the next start.
//!
//! A file that the checks did not see through can abort the process: when it is loaded, or when it is first used. So a note is
//! written before either, and removed after. If a start finds such a note, the process ended in between, and the file is passed
//! over from then on. A file that was used once without harm is not noted again, so that killing a server at any later time means
//! nothing. A note belongs to a path with a size and a time of change: a replaced file is tried anew. Deleting the notes does
//! the same for all files.
//!
//! This module knows no volume: what keeps the notes is given to it. Notes that cannot be written are only logged.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use tracing::warn;

/// Files that are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 64;
/// Where the notes are, for messages: in the volume.
pub const NOTES: &str = "models/trials.json";

/// Writes the notes down, for good.
pub type Keep = Box<dyn Fn(&[u8]) -> std::io::Result<()> + Send + Sync>;

/// What is noted about the model files of a server. Clones share the notes.
#[derive(Clone)]
pub struct Trials(Arc<Shared>);

struct Shared {
    notes: Mutex<Vec<Note>>,
    keep: Option<Keep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    file: PathBuf,
    size_bytes: u64,
    /// Time of the last change, in microseconds since 1970.
    modified: i64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is being loaded.
    Loading,
    /// It was loaded, but not used yet.
    Loaded,
    /// It is being used for the first time.
    FirstUse,
    /// It was used without harm.
    Proven,
    /// The process ended while it was loaded.
    EndedLoading,
    /// The process ended while it was used for the first time.
    EndedFirstUse,
}

impl std::fmt::Debug for Trials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Trials").field(&*self.notes()).finish()
    }
}

impl Trials {
    /// Takes no notes, and passes over nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Shared { notes: Mutex::default(), keep: None }))
    }

    /// The notes as they were written; unreadable ones count as none. Nothing is changed or written.
    #[must_use]
    pub fn read(written: Option<&[u8]>) -> Self {
        let trials = Self::none();
        *trials.notes() = written.map(parsed).unwrap_or_default();
        trials
    }

    /// Continues the notes of earlier servers. A model that was being loaded or first used when the last one ended is passed over
    /// from now on.
    #[must_use]
    pub fn resume(written: Option<&[u8]>, keep: Keep) -> Self {
        let mut notes = written.map(parsed).unwrap_or_default();
        let before = notes.clone();
        for note in &mut notes {
            note.state = match note.state {
                State::Loading => State::EndedLoading,
                State::FirstUse => State::EndedFirstUse,
                same @ (State::Loaded | State::Proven | State::EndedLoading | State::EndedFirstUse) => same,
            };
        }
        let changed = notes != before;
        let trials = Self(Arc::new(Shared { notes: Mutex::new(notes), keep: Some(keep) }));
        if changed {
            trials.write(&trials.notes());
        }
        trials
    }

    /// Why a file is passed over; none if it may be used.
    #[must_use]
    pub fn passed_over(&self, path: &Path) -> Option<String> {
        let found = stamped(path)?;
        let when = self.notes().iter().find(|note| note.is_of(&found)).and_then(|note| match note.state {
            State::EndedLoading => Some("loaded"),
            State::EndedFirstUse => Some("used for the first time"),
            State::Loading | State::Loaded | State::FirstUse | State::Proven => None,
        })?;
        Some(format!("the server ended while it was {when}; to try it again, replace it, or delete {NOTES} in the volume"))
    }

    /// Notes that a file is going to be loaded, if it was not loaded before. The note stays if the process ends before
    /// [`Loading`] is told the outcome.
    pub fn load(&self, path: &Path) -> Loading {
        let note = stamped(path).filter(|_| self.0.keep.is_some());
        let Some(note) = note.filter(|found| !self.notes().iter().any(|note| note.is_of(found))) else {
            return Loading { trials: self.clone(), note: None };
        };
        let mut notes = self.notes();
        notes.retain(|other| other.file != note.file);
        let surplus = (notes.len() + 1).saturating_sub(REMEMBERED);
        notes.drain(..surplus);
        notes.push(note.clone());
        self.write(&notes);
        drop(notes);
        Loading { trials: self.clone(), note: Some(note) }
    }

    /// Notes that files are going to be used, those that were not used before.
    pub fn use_begins(&self, paths: &[PathBuf]) {
        self.change(|note| note.state == State::Loaded && paths.contains(&note.file), State::FirstUse);
    }

    /// Files were used, and did no harm.
    pub fn use_went_well(&self, paths: &[PathBuf]) {
        self.change(|note| note.state == State::FirstUse && paths.contains(&note.file), State::Proven);
    }

    /// Nothing is being used any more: the end of a job that was stopped, or of the server itself.
    pub fn nothing_runs(&self) {
        self.change(|note| note.state == State::FirstUse, State::Loaded);
    }

    fn change(&self, which: impl Fn(&Note) -> bool, state: State) {
        let mut notes = self.notes();
        let mut changed = false;
        for note in notes.iter_mut().filter(|note| which(note)) {
            note.state = state;
            changed = true;
        }
        if changed {
            self.write(&notes);
        }
    }

    fn notes(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, notes: &[Note]) {
        let Some(keep) = &self.0.keep else { return };
        let text = serde_json::to_vec_pretty(notes).map_err(std::io::Error::other);
        if let Err(error) = text.and_then(|text| keep(&text)) {
            warn!(event = "trials_not_kept", cause = %error, "{NOTES} cannot be written: a model that ends the server is tried again");
        }
    }
}

/// A file that is being loaded.
#[derive(Debug)]
#[must_use]
pub struct Loading {
    trials: Trials,
    note: Option<Note>,
}

impl Loading {
    /// The file was loaded; its first use is still to come.
    pub fn went_well(self) {
        if let Some(loading) = &self.note {
            self.trials.change(|note| note == loading, State::Loaded);
        }
    }

    /// The file was refused, and the process goes on: nothing to remember.
    pub fn was_refused(self) {
        if let Some(loading) = &self.note {
            let mut notes = self.trials.notes();
            notes.retain(|note| note != loading);
            self.trials.write(&notes);
        }
    }
}

impl Note {
    fn is_of(&self, found: &Self) -> bool {
        (&self.file, self.size_bytes, self.modified) == (&found.file, found.size_bytes, found.modified)
    }
}

/// A file as it is now, as a note that it is being loaded; none if it cannot be looked at.
fn stamped(path: &Path) -> Option<Note> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = match metadata.modified().ok()?.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    // A name that is no text could not be written down.
    path.to_str()?;
    Some(Note { file: path.to_owned(), size_bytes: metadata.len(), modified, state: State::Loading })
}

fn parsed(written: &[u8]) -> Vec<Note> {
    let notes: Result<Vec<Note>, _> = serde_json::from_slice(written);
    notes
        .inspect_err(|error| warn!(event = "trials_ignored", cause = %error, "{NOTES} cannot be used; all models are tried"))
        .map(|mut notes| {
            notes.truncate(REMEMBERED);
            notes
        })
        .unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write files")]
mod tests {
    use super::*;

    /// A store that remembers what was written last.
    fn store() -> (Arc<Mutex<Vec<u8>>>, Keep) {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&kept);
        let keep = move |bytes: &[u8]| {
            bytes.clone_into(&mut theirs.lock().unwrap());
            Ok(())
        };
        (kept, Box::new(keep))
    }

    fn model() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.onnx");
        std::fs::write(&path, "model").unwrap();
        (folder, path)
    }

    /// The notes of a server that ends without another word, as the next one takes them.
    fn next(kept: &Arc<Mutex<Vec<u8>>>) -> (Trials, Arc<Mutex<Vec<u8>>>) {
        let (now, keep) = store();
        (Trials::resume(Some(&kept.lock().unwrap()), keep), now)
    }

    #[test]
    fn a_file_is_passed_over_after_an_end_while_it_was_loaded_until_it_changes() {
        let (_folder, path) = model();
        let (kept, keep) = store();
        let _never_ends = Trials::resume(None, keep).load(&path);
        let (trials, kept) = next(&kept);
        assert!(trials.passed_over(&path).unwrap().starts_with("the server ended while it was loaded; "));
        assert!(next(&kept).0.passed_over(&path).is_some());
        std::fs::write(&path, "another model").unwrap();
        assert_eq!(trials.passed_over(&path), None);
    }

    #[test]
    fn a_file_that_was_used_once_is_never_noted_again() {
        let (_folder, path) = model();
        let (kept, keep) = store();
        let trials = Trials::resume(None, keep);
        trials.load(&path).went_well();
        assert_eq!(next(&kept).0.passed_over(&path), None);
        trials.use_begins(std::slice::from_ref(&path));
        assert!(next(&kept).0.passed_over(&path).unwrap().contains("used for the first time"));
        trials.nothing_runs();
        assert_eq!(next(&kept).0.passed_over(&path), None);
        trials.use_begins(std::slice::from_ref(&path));
        trials.use_went_well(std::slice::from_ref(&path));
        trials.use_begins(std::slice::from_ref(&path));
        let (trials, kept) = next(&kept);
        assert_eq!(trials.passed_over(&path), None);
        let _never_ends = trials.load(&path);
        assert_eq!(next(&kept).0.passed_over(&path), None);
    }

    #[test]
    fn a_refused_file_and_broken_notes_leave_nothing() {
        let (_folder, path) = model();
        let (kept, keep) = store();
        Trials::resume(None, keep).load(&path).was_refused();
        assert_eq!(kept.lock().unwrap().as_slice(), b"[]");
        assert_eq!(Trials::read(Some(b"{")).passed_over(&path), None);
    }
}
