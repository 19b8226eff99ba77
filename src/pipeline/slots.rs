//! The implementations of the stages that use models, each of which may be missing.

use crate::diarize::Diarize;
use crate::recognize::Recognizer;
use crate::transcribe::Transcribe;

/// The implementation of a stage, or the reason why it cannot run.
pub enum Slot<T> {
    Ready(T),
    /// The reason, for results and logs.
    Missing(String),
}

/// The stages that use models.
pub struct Stages {
    pub diarize: Slot<Box<dyn Diarize>>,
    pub transcribe: Slot<Box<dyn Transcribe>>,
    pub recognize: Slot<Recognizer>,
}

impl<T> Slot<T> {
    /// Applies `change` to the implementation, and keeps the reason when there is none.
    pub(super) fn map<U>(&self, change: impl FnOnce(&T) -> U) -> Slot<U> {
        match self {
            Self::Ready(ready) => Slot::Ready(change(ready)),
            Self::Missing(reason) => Slot::Missing(reason.clone()),
        }
    }
}
