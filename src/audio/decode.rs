//! Decoding (in work).
