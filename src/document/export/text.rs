//! The dialogue for reading: `[00:01.20 - 00:03.40] Alice: text`, one line for each segment.

use std::fmt::Write;

use super::format::{Export, ExportFormat};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "text",
    summary: "The dialogue, a line a segment",
    media_type: "text/plain; charset=utf-8",
    extension: "txt",
    write,
};

fn write(export: &Export<'_>) -> Vec<u8> {
    let speakers = &export.document.speakers;
    let label = |id: &str| {
        speakers.iter().find(|speaker| speaker.speaker_id == id).map_or_else(|| id.to_owned(), |speaker| speaker.label.clone())
    };
    let mut text = String::new();
    for segment in &export.document.segments {
        let (start, end) = (clock(segment.start_time), clock(segment.end_time));
        // Writing to a String cannot fail.
        let _always_ok = writeln!(text, "[{start} - {end}] {}: {}", label(&segment.speaker_id), segment.text);
    }
    text.into_bytes()
}

/// Minutes and seconds, `mm:ss.cc`.
fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    format!("{minutes:02.0}:{:05.2}", seconds - minutes * 60.0)
}
