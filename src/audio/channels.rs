//! Which signals to work on.
