//! What a format of exports is, and what it gets to write.

use crate::document::Document;

/// A format to export to.
#[derive(Debug, Clone, Copy)]
pub struct ExportFormat {
    /// How users ask for it: `callannotate annotate --format NAME`.
    pub name: &'static str,
    /// One line for the help of the command line.
    pub summary: &'static str,
    /// The media type, with its charset where it is text.
    pub media_type: &'static str,
    /// What the names of its files end in, without the dot.
    pub extension: &'static str,
    pub(super) write: fn(&Export<'_>) -> Vec<u8>,
}

/// The input of an export.
pub(super) struct Export<'a> {
    pub(super) document: &'a Document,
    /// The recording's name without folder and extension, for formats that name their source.
    pub(super) recording: &'a str,
}

impl ExportFormat {
    /// The content of the exported file. `recording` is the recording's name without folder and extension.
    #[must_use]
    pub fn export(&self, document: &Document, recording: &str) -> Vec<u8> {
        (self.write)(&Export { document, recording })
    }
}
