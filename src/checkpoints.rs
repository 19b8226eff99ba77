//! Checkpoints: intermediate results of a job, stored so that a restart does not have to compute them again.
//!
//! Before a stage computes a piece of its work it asks for a checkpoint by name; afterwards it stores one. The content is the
//! stage's own; the volume decides where checkpoints are stored: it passes in those it found and appends new ones. A
//! checkpoint that cannot be stored must not fail the job: its work is repeated after a restart, and that is all.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::{debug, warn};

/// Stores one new checkpoint, and returns once it is on the disk. Called on the threads that do the work.
pub type Sink = Box<dyn Fn(&[u8]) -> io::Result<()> + Send + Sync>;

/// The checkpoints of one job. Clones share them.
#[derive(Clone)]
pub struct Checkpoints(Arc<Inner>);

struct Inner {
    /// By name. A checkpoint is taken out when it is used, so that it does not stay in memory.
    found: Mutex<HashMap<String, Box<RawValue>>>,
    sink: Option<Sink>,
    broken: AtomicBool,
    recalled: AtomicUsize,
    kept: AtomicUsize,
}

#[derive(Serialize)]
struct Written<'a, T> {
    name: &'a str,
    value: &'a T,
}

#[derive(Deserialize)]
struct Read {
    name: String,
    value: Box<RawValue>,
}

impl Checkpoints {
    /// No checkpoints, and none are stored: for work outside a job.
    #[must_use]
    pub fn none() -> Self {
        Self::with(HashMap::new(), None)
    }

    /// The checkpoints of earlier runs in the order in which they were stored, and the sink for new ones. Of several with the
    /// same name the last one counts; unreadable ones are skipped.
    pub fn new(found: impl IntoIterator<Item = Vec<u8>>, sink: Sink) -> Self {
        let read = |bytes: Vec<u8>| match serde_json::from_slice::<Read>(&bytes) {
            Ok(checkpoint) => Some((checkpoint.name, checkpoint.value)),
            Err(error) => {
                warn!(event = "checkpoint_ignored", cause = %error, "A checkpoint cannot be read");
                None
            }
        };
        Self::with(found.into_iter().filter_map(read).collect(), Some(sink))
    }

    fn with(found: HashMap<String, Box<RawValue>>, sink: Option<Sink>) -> Self {
        Self(Arc::new(Inner {
            found: Mutex::new(found),
            sink,
            broken: AtomicBool::new(false),
            recalled: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
        }))
    }

    fn found(&self) -> MutexGuard<'_, HashMap<String, Box<RawValue>>> {
        // The map is consistent between two calls, so a poisoned lock is still sound.
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of checkpoints that have not been used yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.found().len()
    }

    /// The number of checkpoints that were used.
    #[must_use]
    pub fn recalled(&self) -> usize {
        self.0.recalled.load(Ordering::Acquire)
    }

    /// The number of checkpoints that were stored in this run.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.0.kept.load(Ordering::Acquire)
    }

    /// The checkpoint of this name, if there is one and `accept` approves it. Each can be recalled once.
    pub fn recall<T: DeserializeOwned, U>(&self, name: &str, accept: impl FnOnce(T) -> Option<U>) -> Option<U> {
        let value = self.found().remove(name)?;
        let accepted = serde_json::from_str(value.get()).ok().and_then(accept);
        if accepted.is_some() {
            self.0.recalled.fetch_add(1, Ordering::AcqRel);
        } else {
            warn!(event = "checkpoint_ignored", name, "A checkpoint does not fit the recording; its work is repeated");
        }
        accepted
    }

    /// Stores a checkpoint. The first failure is logged, and nothing more is stored after it.
    pub fn keep<T: Serialize>(&self, name: &str, value: &T) {
        let Some(sink) = self.0.sink.as_ref().filter(|_| !self.0.broken.load(Ordering::Acquire)) else { return };
        let bytes = serde_json::to_vec(&Written { name, value }).map_err(io::Error::other);
        match bytes.and_then(|bytes| sink(&bytes)) {
            Ok(()) => {
                let kept = self.0.kept.fetch_add(1, Ordering::AcqRel) + 1;
                debug!(event = "checkpoint_kept", name, kept, "Kept a checkpoint");
            }
            Err(error) => {
                if !self.0.broken.swap(true, Ordering::AcqRel) {
                    warn!(
                        event = "checkpoints_not_kept",
                        cause = %error,
                        "Checkpoints cannot be written: after a restart this job would start from the beginning"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pieces = Arc<Mutex<Vec<Vec<u8>>>>;

    fn in_memory(found: Vec<Vec<u8>>) -> (Checkpoints, Pieces) {
        let pieces = Pieces::default();
        let sink = Arc::clone(&pieces);
        let keep = move |bytes: &[u8]| {
            sink.lock().unwrap().push(bytes.to_vec());
            Ok(())
        };
        (Checkpoints::new(found, Box::new(keep)), pieces)
    }

    #[test]
    fn a_checkpoint_is_recalled_once_by_its_name() {
        let (before, pieces) = in_memory(Vec::new());
        before.keep("one", &1);
        before.keep("two", &"text\nin two lines");
        let kept = pieces.lock().unwrap().clone();
        assert!(kept.iter().all(|piece| !piece.contains(&b'\n')));
        let (after, _) = in_memory(kept);
        assert_eq!((before.kept(), after.waiting()), (2, 2));
        assert_eq!(after.recall("two", |text: String| Some(text)), Some("text\nin two lines".to_owned()));
        assert_eq!(after.recall("two", |text: String| Some(text)), None);
        assert_eq!(after.recall("three", |number: u8| Some(number)), None);
        assert_eq!((after.recalled(), after.waiting()), (1, 1));
    }

    #[test]
    fn a_checkpoint_that_does_not_fit_is_not_recalled() {
        let (checkpoints, _) =
            in_memory(vec![b"no JSON".to_vec(), b"{\"name\":\"one\",\"value\":\"text\"}".to_vec(), b"{}".to_vec()]);
        assert_eq!(checkpoints.recall("one", |number: u8| Some(number)), None);
        assert_eq!(checkpoints.recalled(), 0);
        let (checkpoints, _) = in_memory(vec![b"{\"name\":\"one\",\"value\":7}".to_vec()]);
        assert_eq!(checkpoints.recall("one", |number: u8| (number < 5).then_some(number)), None);
    }

    #[test]
    fn after_one_failure_nothing_more_is_stored() {
        let tried = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&tried);
        let full = move |_: &[u8]| {
            count.fetch_add(1, Ordering::AcqRel);
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        let checkpoints = Checkpoints::new(Vec::new(), Box::new(full));
        checkpoints.keep("one", &1);
        checkpoints.keep("two", &2);
        assert_eq!((tried.load(Ordering::Acquire), checkpoints.kept()), (1, 0));
    }
}
