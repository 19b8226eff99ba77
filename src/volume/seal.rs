//! The secret of the volume, and the seal that it puts on every record.
//!
//! Other programs may write into the volume's folders. What they lay there must not count as a job of this server, which would
//! read, send and remove files in their name. So every `job.json` ends with a seal: an HMAC-SHA-256 over all the bytes before it
//! (RFC 2104), with a secret that only this server's user can read. The id of the job is among these bytes.
//!
//! Owners of files would say less: in a container or behind a file share, the programs that lay files there often have the user
//! of the server.
//!
//! Volumes of version 1.0 have no secret, and their records no seals. A start that finds neither adopts what lies there: the
//! secret is kept under another name until every record is sealed, so that a crash in between is no reason to refuse the rest.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::disk::Disk;
use crate::jobs::JobId;

/// The file with the secret, in the volume's root.
const SECRET_FILE: &str = "seal.secret";
/// The same until every record of an older version is sealed.
const ADOPTING_FILE: &str = "seal.secret.new";
/// Only the server's user may read it.
const MODE: u32 = 0o600;
/// Bytes of the secret, and of a seal.
const BYTES: usize = 32;
/// The largest file that is read as a secret, in bytes.
const MAX_FILE_BYTES: u64 = 1024;

/// How a record ends without a seal, what stands before the seal, and what behind it.
const END: &[u8] = b"\n}";
const BEFORE: &[u8] = b",\n  \"seal\": \"";
const AFTER: &[u8] = b"\"\n}";

/// What is sealed with it; another use of the secret would need another text.
const PURPOSE: &[u8] = b"callannotate job record 1\n";

/// What the seal of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// This server wrote the record.
    Own,
    /// It has no seal, as records of version 1.0.
    Missing,
    /// Its seal is of another volume, or the record was changed after it was sealed.
    Foreign,
}

/// The secret with its state on the disk.
#[derive(Debug)]
pub(super) struct Seal {
    disk: Disk,
    root: PathBuf,
    secret: [u8; BYTES],
    stage: Mutex<Stage>,
}

/// Where the secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nowhere yet; it will be written to this file before anything is sealed with it.
    Unwritten(&'static str),
    /// On the disk, and records without a seal are adopted.
    Adopting,
    /// On the disk for good.
    Kept,
}

impl Seal {
    /// Reads the secret of the volume at `root`, or makes one, which is not written yet.
    ///
    /// # Errors
    /// When the file cannot be read or holds no secret, or the system has no random numbers.
    pub(super) fn open(disk: &Disk, root: &Path) -> io::Result<Self> {
        let with = |secret, stage| Self { disk: disk.clone(), root: root.to_path_buf(), secret, stage: Mutex::new(stage) };
        for (name, stage) in [(SECRET_FILE, Stage::Kept), (ADOPTING_FILE, Stage::Adopting)] {
            match disk.read_surely(&root.join(name), MAX_FILE_BYTES) {
                Ok(bytes) => {
                    let secret = decode(&bytes).ok_or_else(|| io::Error::other(format!("{name} holds no secret")))?;
                    return Ok(with(secret, stage));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{name} cannot be read: {error}"))),
            }
        }
        let mut secret = [0; BYTES];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        Ok(with(secret, Stage::Unwritten(SECRET_FILE)))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether records without a seal are adopted: they were written by version 1.0, and this is the first start since, or a
    /// later one after a first start that was broken off. `unsealed` and `foreign` tell which kinds of records were found.
    pub(super) fn begin(&self, unsealed: bool, foreign: bool) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Unwritten(_)) {
            // Without its secret, a sealed volume is one that was moved: then nothing is adopted unasked.
            *stage = Stage::Unwritten(if unsealed && !foreign { ADOPTING_FILE } else { SECRET_FILE });
        }
        matches!(*stage, Stage::Adopting | Stage::Unwritten(ADOPTING_FILE))
    }

    /// Writes the secret if that has not been done.
    ///
    /// # Errors
    /// When the volume cannot be written to; nothing can be sealed then.
    pub(super) fn keep(&self) -> io::Result<()> {
        let mut stage = self.stage();
        if let Stage::Unwritten(name) = *stage {
            self.write(name)?;
            *stage = if name == SECRET_FILE { Stage::Kept } else { Stage::Adopting };
        }
        Ok(())
    }

    /// Every record is sealed: from now on, one without a seal is refused.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub(super) fn end_adoption(&self) -> io::Result<()> {
        self.keep()?;
        let mut stage = self.stage();
        if *stage == Stage::Adopting {
            self.disk.rename(&self.root.join(ADOPTING_FILE), &self.root.join(SECRET_FILE))?;
            *stage = Stage::Kept;
            self.disk.sync_folder(&self.root)?;
        }
        Ok(())
    }

    fn write(&self, name: &str) -> io::Result<()> {
        // What a crash leaves of it in temp/ is swept there.
        let temporary = self.root.join("temp").join(format!(".{}.tmp", JobId::random()));
        let written = self.disk.create_with_mode(&temporary, MODE).and_then(|file| {
            self.disk.write(&file, &temporary, format!("{}\n", HEXLOWER.encode(&self.secret)).as_bytes())?;
            self.disk.sync(&file, &temporary)?;
            self.disk.rename(&temporary, &self.root.join(name))
        });
        if let Err(error) = written {
            let _swept_later = self.disk.remove_file(&temporary);
            return Err(error);
        }
        self.disk.sync_folder(&self.root)
    }

    /// A record with its seal.
    ///
    /// # Errors
    /// When the secret cannot be written, or the bytes are not those of a record.
    pub(super) fn put_on(&self, record: &[u8]) -> io::Result<Vec<u8>> {
        self.keep()?;
        let text = record.strip_suffix(END).ok_or_else(|| io::Error::other("a record that does not end as records do"))?;
        Ok([text, BEFORE, HEXLOWER.encode(&self.of(text)).as_bytes(), AFTER].concat())
    }

    /// What the seal of a record says.
    pub(super) fn mark(&self, record: &[u8]) -> Mark {
        let Some((text, seal)) = split(record) else {
            return if has_seal(record) { Mark::Foreign } else { Mark::Missing };
        };
        if bool::from(self.of(text).ct_eq(&seal)) { Mark::Own } else { Mark::Foreign }
    }

    fn of(&self, text: &[u8]) -> [u8; BYTES] {
        hmac(&self.secret, &[PURPOSE, text])
    }
}

/// The bytes that were sealed, and the seal.
fn split(record: &[u8]) -> Option<(&[u8], [u8; BYTES])> {
    let (rest, digits) = record.strip_suffix(AFTER)?.split_last_chunk::<{ 2 * BYTES }>()?;
    let mut seal = [0; BYTES];
    (HEXLOWER.decode_mut(digits, &mut seal) == Ok(BYTES)).then_some((rest.strip_suffix(BEFORE)?, seal))
}

/// Whether a record has a seal that does not stand where this server puts it.
fn has_seal(record: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Sealed {
        seal: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Sealed>(record).is_ok_and(|sealed| sealed.seal.is_some())
}

fn decode(bytes: &[u8]) -> Option<[u8; BYTES]> {
    HEXLOWER.decode(bytes.trim_ascii()).ok()?.try_into().ok()
}

/// HMAC-SHA-256 (RFC 2104) of the parts one after the other, under a key of at most 64 bytes.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; BYTES] {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        Sha256::new_with_prefix(block)
    };
    let (mut inner, mut outer) = (padded(0x36), padded(0x5c));
    for part in parts {
        inner.update(part);
    }
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hmac_is_that_of_rfc_4231() {
        let vectors: [(&[u8], &[u8], &str); 2] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ];
        for (key, text, expected) in vectors {
            assert_eq!(HEXLOWER.encode(&hmac(key, &[text])), expected);
            let (one, two) = text.split_at(5);
            assert_eq!(HEXLOWER.encode(&hmac(key, &[one, two])), expected);
        }
    }

    #[test]
    fn a_record_that_was_changed_anywhere_or_sealed_elsewhere_is_foreign() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let seal = |folder: &Path| super::super::Volume::open(folder).map(|volume| Seal::open(volume.disk(), folder).unwrap());
        let (own, other) = (seal(one.path()).unwrap(), seal(two.path()).unwrap());
        let record = b"{\n  \"job_id\": 1\n}";
        let sealed = own.put_on(record).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&sealed).is_ok());
        assert_eq!((own.mark(&sealed), own.mark(record), other.mark(&sealed)), (Mark::Own, Mark::Missing, Mark::Foreign));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_ne!(own.mark(&changed), Mark::Own, "changed at {at}");
        }
        // What another program has written anew has a seal that is not in its place.
        let anew = serde_json::from_slice::<serde_json::Value>(&sealed).unwrap().to_string();
        assert_eq!(own.mark(anew.as_bytes()), Mark::Foreign);
        // The secret is that of the volume from then on.
        assert_eq!(seal(one.path()).unwrap().mark(&sealed), Mark::Own);
    }
}
