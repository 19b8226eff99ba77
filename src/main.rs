//! The command line.

use std::path::PathBuf;

use callannotate::models::ModelsOptions;
use callannotate::models::command::ModelsArgs;
use clap::Parser;

#[derive(Parser)]
enum Command {
    Models(ModelsArgs),
}

fn main() -> anyhow::Result<()> {
    let Command::Models(args) = Command::parse();
    args.run(&ModelsOptions { dirs: vec![PathBuf::from("volume/models")], ..ModelsOptions::default() })
}
