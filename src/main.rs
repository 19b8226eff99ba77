//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use callannotate::models::ModelsOptions;
use callannotate::models::command::ModelsArgs;
use clap::Parser;

#[derive(Parser)]
enum Command {
    Models(ModelsArgs),
}

#[expect(clippy::print_stderr, reason = "the command line's output")]
fn main() -> ExitCode {
    let Command::Models(args) = Command::parse();
    let options = ModelsOptions { dirs: vec![PathBuf::from("volume/models")], ..ModelsOptions::default() };
    match args.run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
