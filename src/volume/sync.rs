//! Writing so that it lasts: flushed before it is named, and the folder flushed after.
#![expect(clippy::disallowed_methods, reason = "the volume module changes files")]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tracing::warn;

/// Writes a file under a temporary name beside `path`, flushes it to the disk, and gives it its name.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Flushes a folder: what was renamed in it is then on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Moves a folder to another place of the same volume, for good.
pub(super) fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    for parent in [to.parent(), from.parent()].into_iter().flatten() {
        // It has moved: to say that it has not would be worse than to trust the disk with the rest.
        if let Err(error) = sync_folder(parent) {
            warn!(event = "sync_failed", cause = %error, "A folder could not be flushed to the disk");
        }
    }
    Ok(())
}
