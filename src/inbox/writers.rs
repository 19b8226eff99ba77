//! Which files are still open for writing, as far as the notifications of `inotify` say. Pure.
//!
//! A file counts as open from its creation or its first change until it is closed. A program that had it open before the server
//! started is not noticed, and some file systems send nothing at all: for these there is only the waiting.

use std::collections::HashMap;

use crate::volume::Place;

/// A change of a file, as notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// It was created: opened for writing, or linked.
    Created,
    /// A program opened it, for whatever purpose.
    Opened,
    /// It was written to.
    Written,
    /// A program that could write to it closed it.
    ClosedByWriter,
    /// A program that could only read it closed it.
    ClosedByReader,
    /// It was moved away under this cookie.
    MovedAway(u32),
    /// It was moved here under this cookie.
    MovedHere(u32),
    /// It was removed from the folder.
    Removed,
}

/// The state of a file that was opened more often than closed.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// It was just created, so that the next program to open it is its creator; a link is created without being opened.
    is_new: bool,
    /// How many times it is open. Equal notifications in a row may be merged, so this can be wrong; it never decides alone.
    open: u32,
    /// Whether it was written to, and no writer has closed it since.
    is_written: bool,
}

/// The files that are open, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Writers {
    marks: HashMap<Place, Mark>,
    /// The last file that was moved away: it may come back under another name, still open.
    moved: Option<(u32, Mark)>,
}

impl Writers {
    /// Records a notification. Returns whether the folder should be polled.
    pub(super) fn note(&mut self, place: Place, notice: Notice) -> bool {
        match notice {
            Notice::Created => {
                self.marks.insert(place, Mark { is_new: true, ..Mark::default() });
                true
            }
            Notice::Opened => {
                let mark = self.marks.entry(place).or_default();
                mark.open += 1;
                mark.is_written |= std::mem::take(&mut mark.is_new);
                false
            }
            // A file that was not opened only had its time set.
            Notice::Written => {
                if let Some(mark) = self.marks.get_mut(&place) {
                    mark.is_written = mark.open > 0;
                }
                false
            }
            Notice::ClosedByWriter => {
                self.close(&place, |mark| mark.is_written = false);
                true
            }
            Notice::ClosedByReader => {
                self.close(&place, |_| {});
                false
            }
            Notice::MovedAway(cookie) => {
                self.moved = self.marks.remove(&place).map(|mark| (cookie, mark));
                false
            }
            Notice::MovedHere(cookie) => {
                self.marks.remove(&place);
                if let Some((_, mark)) = self.moved.take().filter(|(moved, _)| *moved == cookie) {
                    self.marks.insert(place, mark);
                }
                true
            }
            Notice::Removed => {
                self.marks.remove(&place);
                false
            }
        }
    }

    fn close(&mut self, place: &Place, note: impl FnOnce(&mut Mark)) {
        let Some(mark) = self.marks.get_mut(place) else { return };
        note(mark);
        mark.open = mark.open.saturating_sub(1);
        if mark.open == 0 {
            self.marks.remove(place);
        }
    }

    /// Forgets everything: notifications were lost.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether this file is open for writing.
    pub(super) fn has_open(&self, place: &Place) -> bool {
        self.marks.get(place).is_some_and(|mark| mark.is_written)
    }
}

#[cfg(test)]
mod tests {
    use super::Notice::{ClosedByReader, ClosedByWriter, Created, MovedAway, MovedHere, Opened, Removed, Written};
    use super::*;

    fn place(name: &str) -> Place {
        Place::new(None, name.into())
    }

    /// Whether `a` and `b` are open after these notices.
    fn open(notices: &[(&str, Notice)]) -> (bool, bool) {
        let mut writers = Writers::default();
        for (name, notice) in notices {
            writers.note(place(name), *notice);
        }
        (writers.has_open(&place("a")), writers.has_open(&place("b")))
    }

    #[test]
    fn a_file_is_open_from_its_creation_or_first_change_until_a_writer_closes_it() {
        assert_eq!(open(&[("a", Created), ("a", Opened)]), (true, false));
        assert_eq!(open(&[("a", Created), ("a", Opened), ("a", Written), ("a", ClosedByWriter)]), (false, false));
        assert_eq!(open(&[("a", Opened), ("a", Written), ("b", ClosedByWriter)]), (true, false));
        assert_eq!(open(&[("a", Opened), ("a", Written), ("a", Removed)]), (false, false));
        // Another program reads meanwhile; another goes on writing.
        assert_eq!(open(&[("a", Opened), ("a", Written), ("a", Opened), ("a", ClosedByReader)]), (true, false));
        let two = [("a", Opened), ("a", Opened), ("a", Written), ("a", ClosedByWriter)];
        assert_eq!(open(&two), (false, false));
        assert_eq!(open(&[two.as_slice(), &[("a", Written)]].concat()), (true, false));
        assert_eq!(open(&[two.as_slice(), &[("a", Written), ("a", ClosedByWriter)]].concat()), (false, false));
    }

    #[test]
    fn what_is_only_linked_or_read_or_gets_another_time_is_not_open() {
        assert_eq!(open(&[("a", Created)]), (false, false));
        assert_eq!(open(&[("a", Opened)]), (false, false));
        assert_eq!(open(&[("a", Created), ("a", Opened), ("a", ClosedByReader)]), (false, false));
        assert_eq!(open(&[("a", Written)]), (false, false));
        assert_eq!(open(&[("a", Opened), ("a", Written), ("a", ClosedByReader)]), (false, false));
    }

    #[test]
    fn a_file_stays_open_under_its_new_name() {
        assert_eq!(open(&[("a", Opened), ("a", Written), ("a", MovedAway(1)), ("b", MovedHere(1))]), (false, true));
        // Another one came, and took its place.
        assert_eq!(open(&[("a", Opened), ("a", Written), ("a", MovedAway(1)), ("b", MovedHere(2))]), (false, false));
        assert_eq!(open(&[("b", Opened), ("b", Written), ("b", MovedHere(3))]), (false, false));
    }
}
