//! Identifies a recording: size, container, codec, length, and the hash of its bytes. Reads files and changes none.
//!
//! A recording is opened once, and what was opened is examined and hashed: a file that takes its place meanwhile is never read.
//! Examining it is noted while it lasts, and a file that the server has died on is examined alone, so that a further death has one
//! cause only.

use std::fs::File;
use std::io::{self, Read, Seek};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::IntakeError;
use super::{Intake, MAX_PROBES};
use crate::audio::decode::{self, DecodeError};
use crate::background;
use crate::lifecycle::{Recording, StoreError};
use crate::media::Headerless;
use crate::media::SourceInfo;

/// Bytes that are hashed at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// What was found out about a recording.
#[derive(Debug)]
pub(super) struct Identified {
    pub(super) source: Result<SourceInfo, IntakeError>,
    /// The file, if it was opened.
    pub(super) file: Option<File>,
}

impl From<IntakeError> for Identified {
    fn from(refusal: IntakeError) -> Self {
        Self { source: Err(refusal), file: None }
    }
}

impl Intake {
    /// Checks the size of a recording and identifies it, on a thread of its own; a few at a time.
    pub(super) async fn identify(&self, recording: &Recording, declared: Option<Headerless>) -> Identified {
        let (size, limits) = (recording.size(), *self.limits());
        if size > limits.max_file_bytes {
            return IntakeError::TooLarge { size: Some(size), limit: limits.max_file_bytes }.into();
        }
        if size == 0 {
            return IntakeError::from(DecodeError::Empty).into();
        }
        let lifecycle = &self.parts().lifecycle;
        let deaths = lifecycle.deaths_on(recording);
        if deaths >= limits.max_deaths {
            return IntakeError::Deadly { deaths }.into();
        }
        let permits = self.0.probes.acquire_many(if deaths == 0 { 1 } else { MAX_PROBES }).await;
        let _permits = match permits {
            Ok(permits) => permits,
            Err(error) => return IntakeError::Store(StoreError::Failed(error.to_string())).into(),
        };
        let (open, look) = (recording.opener(), lifecycle.look_at(recording));
        let examined = background::compute("probe", move || {
            let file = match open() {
                Ok(file) => file,
                Err(error) => return IntakeError::from(error).into(),
            };
            let _noted = look.begin();
            #[cfg(feature = "faults")]
            super::faults::strike(size);
            let source = decode::probe_file(&file, declared, &limits.decode).map_err(IntakeError::from);
            Identified { source, file: Some(file) }
        });
        examined
            .await
            .unwrap_or_else(|error| IntakeError::Store(StoreError::Failed(format!("probing a recording: {error}"))).into())
    }

    /// SHA-256 of a recording in hexadecimal. A received one was hashed on its way; of a dropped one, the file that was examined
    /// is read.
    pub(super) async fn hash(&self, recording: &Recording, examined: Option<File>) -> Result<String, StoreError> {
        if let Recording::Spooled(spool) = recording {
            return Ok(spool.sha256());
        }
        let open = recording.opener();
        let hashed = background::compute("hash", move || Ok::<_, StoreError>(sha256(examined.map_or_else(open, Ok)?)?));
        hashed.await.unwrap_or_else(|error| Err(StoreError::Failed(format!("reading a file: {error}"))))
    }
}

/// SHA-256 of a file in hexadecimal. Reads all of it.
fn sha256(mut file: File) -> io::Result<String> {
    file.rewind()?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(HEXLOWER.encode(&digest.finalize()));
        }
        digest.update(&piece[..read]);
    }
}
