//! The commands of `callannotate`. Thin: each reads the settings, calls the library, and turns an error into one line.

mod allocator;
mod annotate;
mod healthcheck;
mod keys;
mod openapi;
mod serve;
mod volume;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::AppError;
use crate::config::{self, Config};
use crate::models::command::ModelsArgs;
use crate::volume::read_trials;

/// The exit code when the engine has stalled: settings and machine are fine, and a new process can continue (`EX_SOFTWARE` of
/// sysexits.h).
const STALLED: u8 = 70;

/// Turns recorded telephone calls into annotations: who spoke when, what each one said, and who they are.
#[derive(Parser)]
#[command(name = "callannotate", version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the REST and WebSocket interface (the default).
    Serve,
    /// Annotate one recording without a server.
    Annotate(annotate::AnnotateArguments),
    /// Ask the server of this machine whether it is healthy; for container health checks.
    Healthcheck,
    /// Make, list and revoke the keys that requests carry when access.enabled is set; beside a running server, too.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// List and accept folders of jobs that the server refuses, because it did not write them.
    #[command(subcommand)]
    Volume(volume::VolumeCommand),
    /// Import and list models.
    Models(ModelsArgs),
    /// Print the description of the interface.
    Openapi(openapi::OpenapiArguments),
}

/// Parses the arguments, runs the command and returns the exit code of the process.
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let outcome = match line.command.unwrap_or(Command::Serve) {
        Command::Serve => settings().and_then(|config| serve::run(&config)),
        Command::Annotate(arguments) => settings().and_then(|config| annotate::run(&config, &arguments)),
        Command::Healthcheck => settings().and_then(|config| healthcheck::run(&config)),
        Command::Keys(command) => settings().and_then(|config| keys::run(&config, command)),
        Command::Volume(command) => settings().and_then(|config| volume::run(&config, command)),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Models(arguments) => settings().and_then(|config| {
            let trials = read_trials(&config.volume.path);
            arguments.run(&config.models(), trials)
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the command line's errors")]
            {
                eprintln!("callannotate: {error:#}");
            }
            match error.downcast_ref::<AppError>() {
                Some(AppError::Stalled(_)) => ExitCode::from(STALLED),
                Some(_) | None => ExitCode::FAILURE,
            }
        }
    }
}

fn settings() -> anyhow::Result<Config> {
    Ok(Config::load(&config::environment())?)
}
