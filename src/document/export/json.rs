//! The result itself, as one indented JSON document.

use super::format::{Export, ExportFormat};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "json",
    summary: "The result as one JSON document",
    media_type: "application/json",
    extension: "json",
    write,
};

fn write(export: &Export<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(export.document).expect("a result has string keys and finite numbers");
    bytes.push(b'\n');
    bytes
}
