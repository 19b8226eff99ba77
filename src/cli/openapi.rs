//! `callannotate openapi`: prints the description of the interface, to generate clients without running the server.

use std::io::Write;

use clap::ValueEnum;

use crate::api::openapi;

#[derive(clap::Args)]
pub(super) struct OpenapiArguments {
    /// Which description to print.
    #[arg(long, value_enum, default_value = "document")]
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The complete OpenAPI document.
    Document,
    /// The JSON Schema of a result.
    Result,
    /// The JSON Schema of the messages over WebSocket.
    Messages,
}

pub(super) fn run(arguments: &OpenapiArguments) -> anyhow::Result<()> {
    let text = match arguments.part {
        Part::Document => openapi::text().to_owned(),
        Part::Result => openapi::result_text(),
        Part::Messages => openapi::messages_text(),
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
