//! The turns in NIST's RTTM (RT-09 evaluation plan, appendix A), the format that diarization is scored in.

use std::fmt::Write;

use super::format::{Export, ExportFormat};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "rttm",
    summary: "Who speaks when, as NIST RTTM",
    media_type: "text/plain; charset=utf-8",
    extension: "rttm",
    write,
};

fn write(export: &Export<'_>) -> Vec<u8> {
    // Fields are separated by spaces, so a name must not hold any.
    let name: String = export.recording.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    let mut text = String::new();
    for turn in &export.document.turns {
        // RTTM counts channels from 1.
        let channel = turn.channel.map_or(1, |channel| u32::from(channel) + 1);
        let duration = turn.end_time - turn.start_time;
        // Writing to a String cannot fail.
        let _always_ok = writeln!(
            text,
            "SPEAKER {name} {channel} {:.3} {duration:.3} <NA> <NA> {} <NA> <NA>",
            turn.start_time, turn.speaker_id
        );
    }
    text.into_bytes()
}
