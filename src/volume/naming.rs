//! Results under the names of their recordings: `completed/<name>.json`, for people who look for the name.
//!
//! Such an entry is a link into the job's folder or a copy, and nothing depends on it: a start ignores what lies beside the
//! folders. An entry is made after the job has moved to `completed/`; until then a note in `temp/` asks for it, so that a start
//! can make it. No file is ever overwritten, and only entries made by this module are removed.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::place::MAX_NAME_BYTES;
use super::{Folder, Volume, record};
use crate::jobs::JobId;

/// Number of results of one name that are distinguished by numbers; the others have their job's id in the name.
const NUMBERED: usize = 9;

/// The largest note that is read, in bytes: it is one word.
const MAX_NOTE_BYTES: u64 = 64;

/// Whether and how a result is also found by its recording's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultNames {
    /// It is found only in its job's folder.
    #[default]
    None,
    /// By a symbolic link into the job's folder.
    Symlink,
    /// By a copy of the result.
    Copy,
}

impl ResultNames {
    const fn note(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Symlink => Some("symlink"),
            Self::Copy => Some("copy"),
        }
    }
}

impl Volume {
    /// Notes that a result is to be found by its name: before the job goes to `completed/`.
    pub(super) fn plan_name(&self, id: JobId, names: ResultNames) -> io::Result<()> {
        match names.note() {
            Some(note) => self.write_file(&self.note(id), note.as_bytes()),
            None => Ok(()),
        }
    }

    /// Makes the entry that was planned. A failure is only logged: the result itself is published.
    pub(super) fn carry_out_name(&self, id: JobId, filename: &str, names: ResultNames) {
        if names == ResultNames::None {
            return;
        }
        match self.name_result(id, filename, names) {
            // A note that cannot be removed now is removed at the next start.
            Ok(()) => drop(self.disk().remove_file(&self.note(id))),
            Err(error) => {
                warn!(event = "name_failed", cause = %error, "A result could not be given its recording's name; the next start does it");
            }
        }
    }

    /// Makes the entries that a crashed server had planned, after all jobs were recovered.
    pub(super) fn end_namings(&self) -> io::Result<()> {
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let path = entry?.path();
            if is_note(&path) {
                self.end_naming(&path);
                if let Err(error) = self.disk().remove_file(&path) {
                    warn!(event = "not_swept", cause = %error, "A note in temp/ could not be removed");
                }
            }
        }
        Ok(())
    }

    fn end_naming(&self, note: &Path) {
        let Some((id, names)) = self.read_note(note) else { return };
        let named = self.filename(&self.job_folder(Folder::Completed, id)).and_then(|filename| match filename {
            Some(filename) => self.name_result(id, &filename, names),
            None => Ok(()),
        });
        if let Err(error) = named {
            warn!(event = "name_failed", cause = %error, "A result could not be given its recording's name");
        }
    }

    fn note(&self, id: JobId) -> PathBuf {
        self.folder(Folder::Temp).join(format!("{id}.naming"))
    }

    fn name_result(&self, id: JobId, filename: &str, names: ResultNames) -> io::Result<()> {
        let completed = self.folder(Folder::Completed);
        for name in candidates(filename, id) {
            let path = completed.join(name);
            match self.disk().facts(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(_) if self.is_ours(&path, id)? => return Ok(()),
                Ok(_) => continue,
            }
            match names {
                ResultNames::None => {}
                ResultNames::Symlink => self.disk().link(&target(id), &path)?,
                // Written under another name first, so it is whole or not there.
                ResultNames::Copy => return self.write_file(&path, &self.read_result(id)?),
            }
            return self.disk().sync_folder(&completed);
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "every name is given away"))
    }

    /// Removes the entry of a result whose folder is being deleted, and which lies there. The folder has to stay until then:
    /// nothing else refers to the entry.
    pub(super) fn unname_deleted(&self, folder: &Path) -> io::Result<()> {
        let id = folder.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        match (id, self.filename(folder)?) {
            (Some(id), Some(filename)) => self.unname(id, &filename),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Removes the entry of a result under whichever name it got; other files stay.
    pub(super) fn unname(&self, id: JobId, filename: &str) -> io::Result<()> {
        let _planned = self.disk().remove_file(&self.note(id));
        for name in candidates(filename, id) {
            let path = self.folder(Folder::Completed).join(name);
            if self.is_ours(&path, id)? {
                self.disk().remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// The label of the recording of the job in a folder.
    fn filename(&self, folder: &Path) -> io::Result<Option<String>> {
        match self.disk().read(&folder.join(record::JOB_FILE), record::MAX_BYTES) {
            Ok(bytes) => Ok(record::decode(&bytes).ok().map(|job| job.file.filename)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The job and the kind of entry that a note asks for.
    fn read_note(&self, path: &Path) -> Option<(JobId, ResultNames)> {
        let id = path.file_stem()?.to_str()?.parse().ok()?;
        form(&self.disk().read(path, MAX_NOTE_BYTES).ok()?).map(|form| (id, form))
    }

    /// Whether an entry is a link to the result of this job, or a copy of it.
    fn is_ours(&self, path: &Path, id: JobId) -> io::Result<bool> {
        Ok(match self.disk().facts(path) {
            Ok(facts) if facts.is_link() => self.disk().read_link(path)? == Path::new(&target(id)),
            Ok(facts) if facts.is_plain_file() => {
                // As every result begins.
                let beginning = format!("{{\"job_id\":\"{id}\"").into_bytes();
                let mut found = vec![0; beginning.len()];
                let read = self.disk().open(path).and_then(|mut file| file.read_exact(&mut found));
                read.is_ok() && found == beginning
            }
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        })
    }
}

/// Whether a file in `temp/` is a note of a name to be given.
pub(super) fn is_note(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "naming")
}

/// The kind of entry that the text of a note asks for.
pub(super) fn form(text: &[u8]) -> Option<ResultNames> {
    let forms = [ResultNames::Symlink, ResultNames::Copy];
    forms.into_iter().find(|form| form.note().is_some_and(|note| note.as_bytes() == text))
}

/// What a link to a result holds: relative, so that the volume can be moved.
fn target(id: JobId) -> String {
    format!("{id}/{}", record::RESULT_FILE)
}

/// The names that a result may have, in the order in which they are tried.
pub(super) fn candidates(filename: &str, id: JobId) -> impl Iterator<Item = String> {
    let endings = std::iter::once(".json".to_owned())
        .chain((2..=NUMBERED).map(|number| format!(" ({number}).json")))
        .chain([format!(" {id}.json")]);
    // A label is never a path; what would be one is not named.
    let filename = if filename.contains(['/', '\0']) { String::new() } else { filename.to_owned() };
    endings.map(move |ending| {
        let most = MAX_NAME_BYTES - ending.len();
        let kept = filename.floor_char_boundary(most);
        format!("{}{ending}", &filename[..kept])
    })
}
