//! `callannotate openapi`: prints the description of the interface, to generate clients without running the server.

use std::io::Write;

use super::Part;
use crate::api::openapi;

pub(super) fn run(part: Part) -> anyhow::Result<()> {
    let text = match part {
        Part::Document => openapi::text().to_owned(),
        Part::Result => openapi::result_text(),
        Part::Messages => openapi::messages_text(),
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
