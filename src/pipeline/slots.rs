//! What the stages run with, each of which may lack it.

use crate::diarize::Diarize;
use crate::recognize::Recognizer;
use crate::transcribe::Transcribe;

/// What a stage runs with, or why it cannot run.
pub enum Slot<T> {
    /// It can.
    Ready(T),
    /// It cannot, for this reason.
    Missing(String),
}

/// What the stages run with.
pub struct Stages {
    /// Who speaks when.
    pub diarize: Slot<Box<dyn Diarize>>,
    /// What is said.
    pub transcribe: Slot<Box<dyn Transcribe>>,
    /// Whose voice it is.
    pub recognize: Slot<Recognizer>,
}

impl<T> Slot<T> {
    /// The same with what it makes of what the stage runs with.
    pub(super) fn map<U>(&self, change: impl FnOnce(&T) -> U) -> Slot<U> {
        match self {
            Self::Ready(ready) => Slot::Ready(change(ready)),
            Self::Missing(reason) => Slot::Missing(reason.clone()),
        }
    }
}
