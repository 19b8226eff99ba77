//! `callannotate annotate FILE`: runs the pipeline on one recording without a server, and prints the result.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use data_encoding::HEXLOWER;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use super::allocator;
use crate::audio::decode;
use crate::config::Config;
use crate::context::JobContext;
use crate::document::export::{self, ExportFormat, FORMATS};
use crate::jobs::options::{JobOptions, SpeakerRange, is_language_code};
use crate::jobs::progress::Progress;
use crate::media::Headerless;
use crate::pipeline::{self, Task};
use crate::stop::StopSignal;
use crate::{plain_file, telemetry, volume};

#[derive(clap::Args)]
pub(super) struct AnnotateArguments {
    /// The recording to annotate.
    file: PathBuf,
    /// The format of the output.
    #[arg(long, value_parser = export_format(), default_value = "text")]
    format: ExportFormat,
    /// Language of the call: auto, or a code such as ru or en.
    #[arg(long, value_parser = language)]
    language: Option<String>,
    /// How many people speak, when it is known.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=20))]
    speakers: Option<u16>,
}

/// Takes the name of an export format; help and refusals list the names.
fn export_format() -> impl TypedValueParser<Value = ExportFormat> {
    let names = FORMATS.map(|format| PossibleValue::new(format.name).help(format.summary));
    PossibleValuesParser::new(names).try_map(|name| export::find(&name).ok_or("no such format"))
}

fn language(text: &str) -> Result<String, String> {
    let code = text.to_ascii_lowercase();
    if code == "auto" || is_language_code(&code) {
        Ok(code)
    } else {
        Err("must be auto or an ISO 639-1 code such as ru or en".to_owned())
    }
}

pub(super) fn run(config: &Config, arguments: &AnnotateArguments) -> anyhow::Result<()> {
    telemetry::init_command_line();
    let file = plain_file::open(&arguments.file).with_context(|| format!("cannot read {}", arguments.file.display()))?;
    let (size_bytes, sha256) = measure(&file).with_context(|| format!("cannot read {}", arguments.file.display()))?;
    let options = JobOptions {
        language: arguments.language.clone().filter(|language| language != "auto"),
        speakers: arguments.speakers.map(usize::from).map(|count| SpeakerRange { min: count, max: count }),
        ..JobOptions::default()
    };
    let bar = ProgressBar::new(100).with_style(
        ProgressStyle::with_template("{percent:>3}% [{bar:40}] {msg}")
            .context("the progress bar's own template")?
            .progress_chars("=> "),
    );
    bar.enable_steady_tick(Duration::from_millis(250));
    let shown = bar.clone();
    let progress = std::sync::Mutex::new(Progress::START);
    let context = JobContext::new(
        StopSignal::new(),
        Arc::new(move |stage, percent| {
            let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *progress = progress.advanced(stage, percent);
            shown.set_position(u64::from(progress.percent));
            shown.set_message(stage.name());
        }),
    );
    let context = context.with_scratch(volume::scratch_in(temporary_folder()));
    // A model that ended a server on this volume is passed over here as well.
    let mut pipeline = pipeline::builder_with(config, volume::read_trials(&config.volume.path))();
    allocator::return_free_memory();
    let headerless = arguments.file.file_name().and_then(|name| Headerless::from_name(&name.to_string_lossy()));
    let document = decode::probe_file(&file, headerless, pipeline.limits()).map_err(anyhow::Error::from).and_then(|source| {
        let task = Task { recording: &file, size_bytes, sha256: &sha256, source: &source, options: &options };
        Ok(pipeline.run(&context, &task)?)
    });
    bar.finish_and_clear();
    let document = document?;
    for warning in &document.metadata.warnings {
        #[expect(clippy::print_stderr, reason = "the command line's warnings")]
        {
            eprintln!("warning: {warning}");
        }
    }
    let recording = arguments.file.file_stem().unwrap_or_default().to_string_lossy();
    let exported = arguments.format.export(&document, &recording);
    std::io::stdout().lock().write_all(&exported).context("cannot write to standard output")
}

/// The folder for scratch files of long recordings: `TMPDIR` if set, else `/var/tmp`, since `/tmp` is in memory on many systems.
fn temporary_folder() -> PathBuf {
    let lasting = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && lasting.is_dir() { lasting.to_owned() } else { std::env::temp_dir() }
}

/// The size in bytes and the SHA-256 in lower-case hexadecimal of a file.
fn measure(mut file: &File) -> std::io::Result<(u64, String)> {
    let (mut digest, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 16], 0u64);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        digest.update(&buffer[..count]);
    }
    Ok((size, HEXLOWER.encode(&digest.finalize())))
}
