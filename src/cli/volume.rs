//! `callannotate volume`: lists the folders of jobs that the server refuses, and accepts them.
//!
//! The server must not be running: it reads the folders when it starts.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints its output")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::ensure;
use clap::Subcommand;

use crate::config::Config;
use crate::jobs::JobId;
use crate::volume::{Refused, Volume, Wanted};

#[derive(Subcommand)]
pub(super) enum VolumeCommand {
    /// List the folders that are refused as jobs, one line each: path, reason.
    Refused,
    /// Accept refused folders as jobs, for example after a backup was restored without seal.secret.
    Accept {
        /// The ids of the jobs.
        #[arg(required_unless_present = "all")]
        jobs: Vec<JobId>,
        /// Accept all of them. Only if no other program may write to the volume's folders.
        #[arg(long, conflicts_with = "jobs")]
        all: bool,
    },
}

pub(super) fn run(config: &Config, command: VolumeCommand) -> anyhow::Result<()> {
    check_user(&config.volume.path)?;
    let volume = Volume::open(&config.volume.path)?;
    let wanted = match command {
        VolumeCommand::Refused => {
            print(&volume.refused()?);
            return Ok(());
        }
        VolumeCommand::Accept { all: true, .. } => Wanted::All,
        VolumeCommand::Accept { jobs, .. } => Wanted::Jobs(jobs),
    };
    let (accepted, refused) = volume.accept_refused(&wanted)?;
    eprintln!("callannotate: accepted {accepted}; the next start of the server reads them");
    print(&refused);
    let missed = match &wanted {
        Wanted::All => refused.len(),
        Wanted::Jobs(ids) => ids.len().saturating_sub(accepted),
    };
    ensure!(missed == 0, "{missed} could not be accepted");
    Ok(())
}

/// What root writes, a server with another user could not read.
fn check_user(volume: &Path) -> anyhow::Result<()> {
    let owner = std::fs::metadata(volume).map_or(0, |folder| folder.uid());
    let is_other = rustix::process::geteuid().is_root() && owner != 0;
    ensure!(!is_other, "run this as the user of the server (the volume belongs to user {owner}), not as root");
    Ok(())
}

fn print(refused: &[Refused]) {
    for Refused { path, reason } in refused {
        println!("{}\t{reason}", path.display());
    }
}
