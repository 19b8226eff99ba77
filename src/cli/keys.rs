//! `callannotate keys`: creates, lists and revokes keys in the volume's key file, whether or not a server is running.
//!
//! `create` prints nothing but the new secret on standard output, so that a script can capture it; messages for people go to
//! standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints its output")]

use anyhow::{bail, ensure};
use chrono::SecondsFormat;
use clap::{Subcommand, ValueEnum};

use crate::access::keys::Key;
use crate::access::{KeyId, Scope};
use crate::clock::Clock;
use crate::config::Config;
use crate::volume::KeyFile;

/// The longest label, in characters.
const MAX_LABEL: usize = 100;

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print its secret, this once.
    Create {
        /// A label for people, for example the program that will use the key.
        #[arg(long, value_parser = label)]
        label: String,
        /// What the key may do; repeat the option for several scopes.
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<ScopeName>,
    },
    /// List all keys, one line each: id, state, scopes, date, label.
    List,
    /// Revoke a key; a running server notices within two seconds.
    Revoke {
        /// The key's id, as `keys list` shows it.
        id: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScopeName {
    /// Read the key's own jobs.
    Read,
    /// Create, change and delete the key's own jobs.
    Write,
    /// Everything, including the jobs of other keys.
    Admin,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Read => Self::Read,
            ScopeName::Write => Self::Write,
            ScopeName::Admin => Self::Admin,
        }
    }
}

fn label(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().count() > MAX_LABEL || trimmed.chars().any(char::is_control) {
        Err(format!("must have 1 to {MAX_LABEL} characters on one line"))
    } else {
        Ok(trimmed.to_owned())
    }
}

pub(super) fn run(config: &Config, command: KeysCommand) -> anyhow::Result<()> {
    let file = KeyFile::of(&config.volume.path);
    match command {
        KeysCommand::Create { label, scopes } => create(config, &file, label, scopes),
        KeysCommand::List => list(&file),
        KeysCommand::Revoke { id } => revoke(&file, &KeyId::new(id)),
    }
}

fn create(config: &Config, file: &KeyFile, label: String, scopes: Vec<ScopeName>) -> anyhow::Result<()> {
    let mut wanted: Vec<Scope> = Vec::new();
    for scope in scopes.into_iter().map(Scope::from) {
        if !wanted.contains(&scope) {
            wanted.push(scope);
        }
    }
    let (key, secret) = Key::generate(label, wanted, Clock::system().now())?;
    let id = key.id.clone();
    file.change(|keys| keys.push(key))?;
    println!("{}", secret.reveal());
    eprintln!("callannotate: made {id}; its secret is on standard output and is not shown again");
    if !config.access.enabled {
        eprintln!("callannotate: note that access.enabled is false here: requests need no key");
    }
    Ok(())
}

fn list(file: &KeyFile) -> anyhow::Result<()> {
    for key in file.read()? {
        let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
        let scopes = key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",");
        let created = key.created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        println!("{}\t{state}\t{scopes}\t{created}\t{}", key.id, key.label);
    }
    Ok(())
}

fn revoke(file: &KeyFile, id: &KeyId) -> anyhow::Result<()> {
    // Checked first, so that a mistyped id does not rewrite the file.
    ensure!(file.read()?.iter().any(|key| key.id == *id), "there is no key {id}; callannotate keys list shows them");
    let now = Clock::system().now();
    let revoked = file.change(|keys| {
        let key = keys.iter_mut().find(|key| key.id == *id)?;
        // A repeated revocation keeps the time of the first.
        key.revoked_at.get_or_insert(now);
        Some(())
    })?;
    if revoked.is_none() {
        bail!("there is no key {id} any more");
    }
    eprintln!("callannotate: revoked {id}");
    Ok(())
}
