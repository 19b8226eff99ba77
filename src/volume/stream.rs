//! A file that is written as its bytes arrive: while one buffer is on its way to the disk, the next one fills.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::disk::Disk;

/// Bytes written at a time: enough that handing them to another thread costs next to nothing. An upload holds two buffers in
/// memory.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file with its buffers.
#[derive(Debug)]
pub(super) struct Stream {
    disk: Disk,
    path: PathBuf,
    file: Arc<File>,
    buffer: Vec<u8>,
    /// What is on its way to the disk; ends with the buffer, empty.
    writing: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl Stream {
    /// Makes the file; the call blocks.
    pub(super) fn create(disk: &Disk, path: PathBuf) -> io::Result<Self> {
        let file = Arc::new(disk.create(&path)?);
        Ok(Self { disk: disk.clone(), path, file, buffer: Vec::with_capacity(BUFFER_BYTES), writing: None })
    }

    /// Takes the next bytes. An error may be that of earlier ones; after one the file is of no use.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.buffer.is_empty() && self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.hand_over().await?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// All bytes have arrived: they are on the disk when this returns.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.hand_over().await?;
        }
        self.written().await?;
        blocking(move || self.disk.sync(&self.file, &self.path)).await
    }

    /// Abandons the file: when this returns, nothing is written any more, and its room is free once it is removed.
    pub(super) async fn abandon(mut self) {
        // An error no longer matters.
        let _of_no_use = self.written().await;
    }

    async fn hand_over(&mut self) -> io::Result<()> {
        let empty = self.written().await?;
        let mut full = std::mem::replace(&mut self.buffer, empty);
        let (disk, file, path) = (self.disk.clone(), Arc::clone(&self.file), self.path.clone());
        self.writing = Some(tokio::task::spawn_blocking(move || {
            disk.write(&file, &path, &full)?;
            full.clear();
            Ok(full)
        }));
        Ok(())
    }

    /// Waits until nothing is on its way any more; an empty buffer.
    async fn written(&mut self) -> io::Result<Vec<u8>> {
        let Some(writing) = &mut self.writing else { return Ok(Vec::with_capacity(BUFFER_BYTES)) };
        let written = writing.await;
        self.writing = None;
        written.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Runs a blocking operation on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(act).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
