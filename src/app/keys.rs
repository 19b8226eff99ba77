//! The keys while the server runs: read at the start, and again whenever the key file changes. Requests never wait for that.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::access::Access;
use crate::config::Config;
use crate::volume::{KeyFile, KeyFileError, Stamp};

/// Time between two looks at the key file, one `stat` each: a revoked key is refused within two seconds.
const KEYS_LOOK: Duration = Duration::from_secs(1);

/// The keys in force, and the watch that keeps them up to date; without keys every caller may do everything.
pub(super) fn open(config: &Config) -> Result<(Access, Option<KeyWatch>), KeyFileError> {
    if !config.access.enabled {
        return Ok((Access::open(), None));
    }
    let file = KeyFile::of(&config.volume.path);
    // Before the keys are read: a change in between is then noticed later.
    let seen = file.stamp().ok().flatten();
    let access = Access::guarded(file.read()?);
    Ok((access.clone(), Some(KeyWatch { file, access, seen })))
}

/// Picks up what `callannotate keys` changes while the server runs.
pub(super) struct KeyWatch {
    file: KeyFile,
    access: Access,
    seen: Option<Stamp>,
}

impl KeyWatch {
    /// Watches the key file until the server closes.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        let mut looks = tokio::time::interval(KEYS_LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(looks.tick()).await.is_some() {
            let watch = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match watch.await {
                Ok(watch) => self = watch,
                // Only when the runtime ends.
                Err(_) => return,
            }
        }
    }

    fn look(&mut self) {
        let stamp = match self.file.stamp() {
            Ok(stamp) if stamp != self.seen => stamp,
            Ok(_) => return,
            Err(error) => {
                warn!(event = "keys_unreadable", cause = %error, "The key file cannot be looked at; the keys stay as they are");
                return;
            }
        };
        self.seen = stamp;
        match self.file.read() {
            Ok(keys) => {
                info!(event = "keys_changed", keys = keys.len(), "The keys have changed");
                self.access.replace(keys);
            }
            Err(error) => {
                error!(event = "keys_unreadable", cause = %error, "The key file cannot be read; the keys stay as they are");
            }
        }
    }
}
