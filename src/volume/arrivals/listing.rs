//! What lies in `incoming/` and in its folders, one level deep.
//!
//! Ignored are: files that are incomplete by their names, sidecars without a recording, whatever is no plain file, the folders
//! of jobs, and whatever lies deeper. A listing holds a bounded number of files, the oldest ones.

use std::collections::{BinaryHeap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::{Arrival, DropFolder, Found, Imprint, sidecar_names};
use crate::jobs::JobId;
use crate::volume::disk::Disk;
use crate::volume::place::Place;

/// Extensions under which programs write a file until it is complete.
const PARTIAL: [&str; 11] =
    ["part", "partial", "filepart", "tmp", "temp", "crdownload", "download", "opdownload", "aria2", "incomplete", "swp"];

/// The files and folders that were found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Recordings, or what may be one; the oldest first, then by name.
    pub arrivals: Vec<Arrival>,
    /// The folders that were read.
    pub folders: Vec<OsString>,
    /// Number of folders that lie too deep.
    pub too_deep: usize,
    /// Number of folders that could not be read.
    pub unreadable: usize,
}

/// A file, in the order in which files are taken.
type Candidate = (Imprint, OsString, Option<OsString>);

/// The entries collected while the folders are read.
struct Collected<'a> {
    disk: &'a Disk,
    oldest: BinaryHeap<Candidate>,
    at_most: usize,
    /// Files that are being written under a second name: `call.wav` while there is a `call.wav.part`.
    growing: HashSet<(Option<OsString>, OsString)>,
}

impl DropFolder {
    /// Lists what was dropped into `incoming/`: the oldest files, at most this many.
    ///
    /// # Errors
    /// When `incoming/` cannot be read.
    pub fn list(&self, at_most: usize) -> io::Result<Listing> {
        self.0.give_back_stranded();
        let incoming = self.path();
        let mut listing = Listing::default();
        let mut collected = Collected { disk: self.0.disk(), oldest: BinaryHeap::new(), at_most, growing: HashSet::new() };
        listing.folders = collected.read(&incoming, None)?;
        listing.folders.retain(|name| !is_hidden(name) && !is_job(name));
        listing.folders.retain(|name| match collected.read(&incoming.join(name), Some(name)) {
            Ok(deeper) => {
                listing.too_deep += deeper.len();
                true
            }
            // It may have been removed already.
            Err(error) => {
                listing.unreadable += usize::from(error.kind() != io::ErrorKind::NotFound);
                false
            }
        });
        let Collected { oldest, growing, .. } = collected;
        for (imprint, name, folder) in oldest.into_sorted_vec() {
            let place = Place::new(folder, name);
            let sidecars = sidecar_names(place.name());
            let grows = |name: &OsString| growing.contains(&(place.folder().map(OsStr::to_owned), name.clone()));
            if grows(&place.name().to_owned()) || sidecars.iter().any(grows) {
                continue;
            }
            let mut sidecar = None;
            for name in sidecars {
                sidecar = sidecar.or(self.find_file(place.beside(name))?);
            }
            let recording = Found { path: place.path(&incoming), place, imprint };
            listing.arrivals.push(Arrival { recording, sidecar, disk: self.0.disk().clone() });
        }
        Ok(listing)
    }
}

impl Collected<'_> {
    /// Reads one folder; the folders in it are returned.
    fn read(&mut self, path: &Path, folder: Option<&OsString>) -> io::Result<Vec<OsString>> {
        let mut folders = Vec::new();
        for entry in self.disk.entries(path)? {
            let entry = entry?;
            let name = entry.file_name().to_owned();
            if entry.is_folder() {
                folders.push(name);
            } else if let Some(whole) = without_partial_ending(&name) {
                self.growing.insert((folder.cloned(), whole));
            } else if entry.is_plain_file()
                && !is_hidden(&name)
                && !has_ending(&name, &["json"])
                // Files that were removed meanwhile are skipped.
                && let Ok(facts) = self.disk.facts(&entry.path())
            {
                self.oldest.push((Imprint::of(&facts), name, folder.cloned()));
                if self.oldest.len() > self.at_most {
                    self.oldest.pop();
                }
            }
        }
        Ok(folders)
    }
}

/// Dotfiles, and the copies that editors keep.
fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".") || name.as_bytes().ends_with(b"~")
}

fn is_job(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.parse::<JobId>().is_ok())
}

fn split_ending(name: &OsStr) -> Option<(&[u8], &[u8])> {
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.')?;
    Some((&bytes[..dot], &bytes[dot + 1..]))
}

fn has_ending(name: &OsStr, endings: &[&str]) -> bool {
    split_ending(name).is_some_and(|(_, found)| endings.iter().any(|ending| found.eq_ignore_ascii_case(ending.as_bytes())))
}

/// The name that a file will have when it is complete; none if its name does not mark it as incomplete.
fn without_partial_ending(name: &OsStr) -> Option<OsString> {
    let (stem, _) = split_ending(name)?;
    has_ending(name, &PARTIAL).then(|| OsString::from_vec(stem.to_vec()))
}
