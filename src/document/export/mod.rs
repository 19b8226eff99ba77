//! The formats that a result can be exported to: one row for each, in [`FORMATS`].
//!
//! An export is a pure function of the result, so that the command line, the HTTP interface and a result that was read back
//! from the volume give the same bytes. A new format is a file beside this one and a row in the table
//! (`docs/contributing.md`, "Add an export format").

mod format;
mod json;
mod rttm;
mod text;

pub use format::ExportFormat;

/// All formats, in the order in which they are listed for users.
pub const FORMATS: [ExportFormat; 3] = [json::FORMAT, text::FORMAT, rttm::FORMAT];

/// The format of this name.
#[must_use]
pub fn find(name: &str) -> Option<ExportFormat> {
    FORMATS.into_iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_format_is_found_by_a_name_of_its_own() {
        let names: HashSet<_> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), FORMATS.len());
        for format in FORMATS {
            assert_eq!(find(format.name).map(|found| found.extension), Some(format.extension));
            assert!(format.media_type.contains('/') && !format.extension.starts_with('.') && !format.summary.is_empty());
        }
        assert!(find("none").is_none());
    }
}
