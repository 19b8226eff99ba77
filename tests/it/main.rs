//! The integration tests.

mod formats;
