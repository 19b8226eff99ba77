//! Where the files of a job lay in `incoming/`, so that they can be given back.

use super::place::Place;

/// The places that the files of a job were taken from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) recording: Place,
    pub(super) sidecar: Option<Place>,
}
